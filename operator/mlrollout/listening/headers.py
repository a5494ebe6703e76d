"""Headers of every answer, whoever gives it."""

from collections.abc import Mapping

EVERY_ANSWER: Mapping[str, str] = {
    "Server": "mlrollout",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}
"""They hide the software, and forbid to store the answer or to guess its type."""
