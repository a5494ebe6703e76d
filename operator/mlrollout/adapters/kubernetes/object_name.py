"""Names that an object may have."""

import re

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")


def can_be_name(text: str) -> bool:
    """Whether a Secret or a ConfigMap may be called so; a text with a slash would lead to another place of the API."""
    return _NAME.fullmatch(text) is not None
