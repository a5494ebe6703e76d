"""Where a revision comes from by itself, as `spec.revisionFrom` says."""

from typing import Annotated, Self

from pydantic import ConfigDict, StringConstraints, model_validator

from .approval import Approval
from .duration import Between, Duration
from .model import Model, rules
from .secret_ref import SecretRef

SourceAddress = Annotated[str, StringConstraints(min_length=8, max_length=1024, pattern=r"^https?://[^\s@]+$")]
Alias = Annotated[str, StringConstraints(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9_.-]+$")]

_ONE = "name one source of revisions: mlflow, configMap or http"
_SOURCES = ("mlflow", "configMap", "http")
_SET = "onCompletion has to be another alias than alias, and not latest, which MLflow sets by itself"


class MLflowModel(Model):
    """An alias of a registered model in MLflow; its address must match a pattern the administrator allows."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("!has(self.onCompletion) || (self.onCompletion != self.alias && self.onCompletion != 'latest')", _SET)
        )
    )

    address: SourceAddress
    """For example `http://mlflow.ml:5000`, without user name or password."""
    model: Annotated[str, StringConstraints(min_length=1, max_length=253)]
    """Name of the registered model."""
    alias: Alias = "candidate"
    """The alias whose version is rolled out."""
    on_completion: Alias | None = None
    """An alias, for example `champion`, that is set to the version once its rollout is complete. Left out: none."""
    secret_ref: SecretRef | None = None
    """What it is shown: a Secret with any of token, username and password, headers, ca, certificate and key, as
    docs/managed-prometheus.md says. The operator must be allowed to read it. Left out: nothing."""

    @model_validator(mode="after")
    def _another(self) -> Self:
        if self.on_completion in (self.alias, "latest"):
            raise ValueError(_SET)
        return self


class ConfigMapKey(Model):
    """A key of a ConfigMap in the object's own namespace; the operator must be allowed to read it."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=253)]
    """Name of the ConfigMap."""
    key: Annotated[str, StringConstraints(min_length=1, max_length=253)]
    """Key inside the ConfigMap, whose value is the revision."""


class JsonDocument(Model):
    """A JSON document that names the revision; its address must match a pattern the administrator allows."""

    address: SourceAddress
    """For example `https://models.example.com/dispatch/candidate.json`, without user name or password."""
    pointer: Annotated[str, StringConstraints(max_length=253, pattern=r"^(/[^\s]*)?$")] = "/revision"
    """Where in it the revision stands, as a JSON pointer (RFC 6901): a text or a whole number."""
    secret_ref: SecretRef | None = None
    """What is shown there, as for mlflow. Left out: nothing."""


class RevisionFrom(Model):
    """A source that names the revision: exactly one of mlflow, configMap and http.

    What it names anew is a new attempt, from the first stage; while it names nothing, nothing changes.
    """

    model_config = ConfigDict(
        json_schema_extra=rules(("[" + ", ".join(f"has(self.{one})" for one in _SOURCES) + "].exists_one(b, b)", _ONE))
    )

    mlflow: MLflowModel | None = None
    """An alias of a registered model in an MLflow registry."""
    config_map: ConfigMapKey | None = None
    """A key of a ConfigMap."""
    http: JsonDocument | None = None
    """A place in a JSON document."""
    interval: Annotated[Duration, Between("5s", "24h")] = 60.0
    """How often the source is asked, 5s to 24h."""
    approval: Approval = Approval.AUTOMATIC
    """Manual: an attempt of what is named anew begins only once a person has approved it. Until then the revision
    before it keeps its users."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(one is not None for one in (self.mlflow, self.config_map, self.http)) != 1:
            raise ValueError(_ONE)
        return self

    @property
    def where(self) -> str:
        """Which source it is, for people."""
        if self.mlflow is not None:
            return f"models:/{self.mlflow.model}@{self.mlflow.alias} of {self.mlflow.address}"
        if self.config_map is not None:
            return f"ConfigMap {self.config_map.name}/{self.config_map.key}"
        return f"{self.http.address}#{self.http.pointer}" if self.http is not None else ""
