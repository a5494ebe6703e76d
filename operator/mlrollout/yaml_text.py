"""YAML that somebody else has written: whatever is wrong with it is one kind of error. Pure."""

from typing import Any

import yaml

WRONG_VALUES = (ValueError, LookupError, AttributeError, TypeError, ArithmeticError)
"""What Python raises of a value that is none of its kind: a date that there is not, `!!bool maybe`, `!!int ''`."""


def load(text: str, loader: Any = yaml.SafeLoader) -> Any:  # noqa: ANN401 - YAML holds anything; its loaders have no types
    """What stands in the text; by a safe loader alone.

    Raises:
        yaml.YAMLError: It is no YAML, is nested too deeply, or has such a value, which the error does not quote.
    """
    try:
        return yaml.load(text, loader)  # noqa: S506 - see above
    except yaml.YAMLError:
        raise
    except (*WRONG_VALUES, RecursionError):
        raise yaml.YAMLError("it has a value that is none of its kind") from None
