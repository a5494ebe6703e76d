"""Who asked for a verb, behind the reason that they gave."""

from mlrollout.domain.request import SHOWN, one_line

_PERCENTAGE = len("100 ")  # which stands before the reason of a demotion


def signed(reason: str, signature: str) -> str:
    """A reason with a signature behind it. The operator keeps so much of both, and what is cut must not be the name."""
    words = one_line(reason)[: SHOWN - _PERCENTAGE - len(signature) - 1].rstrip()
    return f"{words} {signature}" if words else signature
