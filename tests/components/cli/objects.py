"""The objects of a double of the API server, which are annotated and answered for as a test of asking wants."""

import json
from typing import Any

from tests.support import dispatch
from tests.support.command_line import Answer, ApiDouble, Asked

DONE, FAILED, WRONG, TIMED_OUT, INTERRUPTED = 0, 1, 2, 4, 130
OBJECT = "/apis/mlrollout.dev/v1alpha1/namespaces/default/mlrollouts"


class Objects:
    """Some objects of a double, which are annotated, and answered for as a test wants."""

    def __init__(self, double: ApiDouble) -> None:
        self.found: dict[str, dict[str, Any]] = {}
        self.conflicts = 0
        self.patched: list[dict[str, Any]] = []
        self.steps: list[dict[str, Any]] = []
        double.answers[OBJECT] = self._answer
        double.answers["/apis/authentication"] = Answer({"status": {"userInfo": {"username": "jane"}}})
        double.answers["*"] = Answer({"kind": "Status", "message": "no such page"}, 500)

    def put(self, state: str, name: str = "ml-dispatch") -> None:
        one = dispatch.rollouts()[state]
        self.found[name] = {**one, "metadata": one["metadata"] | {"name": name, "namespace": "default"}}

    def _answer(self, asked: Asked) -> Answer:
        path, _, query = asked.path.partition("?")
        name = path.removeprefix(OBJECT).strip("/")
        if "watch=1" in query:
            return Answer(b"")
        if not name:
            return Answer({"items": list(self.found.values())})
        if name not in self.found:
            return Answer({"kind": "Status", "details": {"name": name}}, 404)
        return self._patch(name, json.loads(asked.body)) if asked.method == "PATCH" else Answer(self.found[name])

    def _patch(self, name: str, patch: dict[str, Any]) -> Answer:
        self.patched.append(patch)
        if self.conflicts:
            self.conflicts -= 1
            return Answer({"kind": "Status", "reason": "Conflict"}, 409)
        before = self.found[name]
        after = {
            **before,
            "status": {**before["status"], "history": [*before["status"].get("history", ()), *self.steps]},
        }
        self.found[name] = after if self.steps else self._annotated(before, patch)
        return Answer(self._annotated(before, patch))

    def _annotated(self, found: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
        return {**found, "metadata": found["metadata"] | {"annotations": patch["metadata"]["annotations"]}}

    @property
    def asked(self) -> list[dict[str, str]]:
        """The annotations that were set."""
        return [patch["metadata"]["annotations"] for patch in self.patched]
