"""Which object somebody at the page means."""

import re

from mlrollout.ports import Ref
from mlrollout.server.http.problem import HttpProblem

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")


def checked(namespace: str, name: str) -> Ref:
    """The object of that name: what is asked of the API server and stands in the log is a name, and nothing else.

    Raises:
        HttpProblem: None can be called so.
    """
    if not _NAME.fullmatch(namespace) or not _NAME.fullmatch(name):
        raise HttpProblem(422, "Name the rollout as NAMESPACE/NAME; names have a-z, 0-9, - and . alone.")
    return Ref(namespace, name)
