"""A Secret, or a key of one, as an object names it."""

from typing import Annotated

from pydantic import StringConstraints

from .model import Model


class SecretRef(Model):
    """A Secret in the object's own namespace."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=253)]
    """Name of the Secret."""


class SecretKeyRef(Model):
    """One key of a Secret in the object's own namespace."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=253)]
    """Name of the Secret."""
    key: Annotated[str, StringConstraints(min_length=1, max_length=253)]
    """Key inside the Secret."""
