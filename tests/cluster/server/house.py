"""An `MLRollout`, and people of the cluster with rights to it."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from devstack.control_plane import ControlPlane
from tests.components.server.ab.calls import Api
from tests.components.server.place import HttpServer
from tests.support.places import Place

DOCUMENTED = re.findall(
    r"```yaml\n(apiVersion: rbac.*?)```", Path(__file__).parents[3].joinpath("docs/server.md").read_text(), re.DOTALL
)[0]
"""The server's rights, as docs/server.md tells an administrator to grant them."""
DASHBOARD = re.findall(
    r"```yaml\n(apiVersion: rbac.*?)```", Path(__file__).parents[3].joinpath("docs/dashboard.md").read_text(), re.DOTALL
)[0]
"""Those that it needs besides for the dashboard, as docs/dashboard.md does."""

STAGES = [
    {"name": "pilot", "percentage": 10, "duration": "1h"},
    {"name": "expansion", "percentage": 30, "duration": "1h"},
    {"name": "full", "percentage": 100, "duration": "1h"},
]


class House(Place):
    """A namespace with an object in it, and the server."""

    server: HttpServer

    def __init__(self, control_plane: ControlPlane) -> None:
        super().__init__(control_plane)
        self.key = f"{self.namespace}:percentage"
        self.apply(
            {
                "apiVersion": "mlrollout.dev/v1alpha1",
                "kind": "MLRollout",
                "metadata": {"name": "ml-dispatch", "namespace": self.namespace},
                "spec": {
                    "revision": "ranker-1",
                    "traffic": {"key": self.key},
                    "stages": STAGES,
                    "guardrails": [{"name": "errors", "query": "up", "max": 0.05}],
                },
            }
        )

    @property
    def config(self) -> dict[str, Any]:
        """Of a server for this object, and for one that is not there."""
        return {
            "rate": 100_000,
            "rollouts": [
                {
                    "name": name,
                    "key": self.key,
                    "object": {"namespace": self.namespace, "name": name},
                }
                for name in ("ml-dispatch", "gone")
            ],
        }

    @property
    def api(self) -> Api:
        return Api(self.server)

    def person(self, name: str, *verbs: str, names: tuple[str, ...] = ()) -> str:
        """The token of somebody who may do this with the objects here, or with those of these names."""
        rule = {"apiGroups": ["mlrollout.dev"], "resources": ["mlrollouts"], "verbs": list(verbs)}
        if names:
            rule["resourceNames"] = list(names)
        self.account(name, [rule])
        return self.control_plane.token_for(self.namespace, name)

    def stands(self, percentage: int, stage: str = "", *, latched: bool = False) -> None:
        """Write the status as the operator would."""
        record = {"attempt": 1, "latched": latched, "sequence": 1, "percentage": percentage}
        status = {"record": {**record, **({"stage": stage} if stage else {})}, "progress": {}, "percentage": percentage}
        patch = json.dumps({"status": status})
        self.kubectl("patch", "mlr", "ml-dispatch", "--subresource=status", "--type=merge", "-p", patch)

    @property
    def annotations(self) -> Mapping[str, str]:
        found = json.loads(self.kubectl("get", "mlr", "ml-dispatch", "-o", "json"))["metadata"]
        ours = found.get("annotations", {}).items()
        return {name.removeprefix("mlrollout.dev/"): value for name, value in ours if name.startswith("mlrollout.dev/")}
