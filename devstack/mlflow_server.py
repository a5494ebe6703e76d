"""A model registry of our own: MLflow on SQLite, in an environment of its own."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from . import web
from .chart import REPOSITORY
from .errors import MissingError
from .servers import Server

PYTHON = REPOSITORY / ".venv-mlflow" / "bin" / "python"
"""MLflow's own environment: `make .venv-mlflow/ready`."""


class MlflowServer(Server):
    """One `mlflow server`: the registry, and the files of its models under `artifacts`.

    It refuses a version whose `source` is a plain path, a `file:` or an `http:` address. One of a run is taken
    (`mlflow-artifacts:/0/<run_id>/artifacts/...`, with that `run_id`), and one of a scheme that it does not know
    (`dispatch:///models/1.json`).
    """

    name: ClassVar[str] = "mlflow"

    @property
    def url(self) -> str:
        """What clients connect to."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def artifacts(self) -> Path:
        """Where it keeps what is uploaded to `api/2.0/mlflow-artifacts/artifacts/...`."""
        return self.directory / "artifacts"

    def command(self) -> Sequence[str]:
        """The server, with one worker."""
        if not PYTHON.exists():
            raise MissingError(
                f"MLflow is not installed: {PYTHON} is not there.", remedy="Install it: make .venv-mlflow/ready"
            )
        return [
            *(str(PYTHON), "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port)),
            *("--workers", "1", "--backend-store-uri", f"sqlite:///{self.directory / 'mlflow.db'}"),
            *("--artifacts-destination", str(self.artifacts)),
            # Its default, uvicorn, serves gateways as well and needs more packages; a control socket would be in $HOME.
            *("--gunicorn-opts", "--timeout 60 --no-control-socket"),
        ]

    def environment(self) -> Mapping[str, str]:
        """Nothing is told to anybody, and nothing is run but the server."""
        return {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}

    def ready(self) -> bool:
        """Whether it answers for itself: the registry's tables are made before."""
        return web.get(f"{self.url}/api/2.0/mlflow/registered-models/search?max_results=1") is not None
