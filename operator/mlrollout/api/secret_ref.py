"""A key of a Secret, as an object names one."""

from typing import Annotated

from pydantic import StringConstraints

from .model import Model


class SecretKeyRef(Model):
    """One key of a Secret in the object's own namespace."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=253)]
    """Name of the Secret."""
    key: Annotated[str, StringConstraints(min_length=1, max_length=253)]
    """Key inside the Secret."""
