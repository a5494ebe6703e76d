"""The server's file: which rollouts it answers for, and to whom."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    IPvAnyNetwork,
    JsonValue,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    StringConstraints,
    model_validator,
)

from mlrollout.api.duration import Between, Duration
from mlrollout.assignment.ids import text_of, trouble_with
from mlrollout.startup.settings import listen

from .yaml_file import load as load_yaml

DEFAULT_LISTEN = "127.0.0.1:8090"

Text = Annotated[str, StringConstraints(min_length=1, max_length=512)]
Value = StrictBool | StrictInt | Annotated[StrictFloat, Field(allow_inf_nan=False)] | StrictStr | dict[str, JsonValue]
"""What a flag may answer: JSON without arrays, which OFREP does not have."""

Header = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,63}$")]


def _named(text: str) -> str:
    segments = text.split("/")
    if not all(re.fullmatch(r"[A-Za-z0-9._-]+", one) and one.strip(".") for one in segments):
        raise ValueError(
            f"{text!r} can't stand in a path: use letters, digits, -, _ and ., with single / between parts"
        )
    return text


def _origin(text: str) -> str:
    if not re.fullmatch(r"https?://[^/?#@\s]+", text):
        raise ValueError(
            f"{text!r} is no origin: write scheme and host alone, for example https://dispatch.example.com"
        )
    return text.lower()


def _address(text: str) -> str:
    listen(text)
    return text


def _ids(ids: frozenset[str | int]) -> frozenset[str | int]:
    for one in ids:
        if text_of(one) is None:
            raise ValueError(f"an id is nobody's: {trouble_with(one)}")
    return ids


class ConfigModel(BaseModel):
    """Frozen; a setting that does not exist is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ObjectName(ConfigModel):
    """The `MLRollout` whose traffic this is."""

    namespace: Text
    name: Text


class FlagValues(ConfigModel):
    """What a flag answers for each group."""

    control: Value = False
    treatment: Value = True

    @model_validator(mode="after")
    def _are_of_one_type(self) -> Self:
        if type(self.control) is not type(self.treatment):
            raise ValueError("control and treatment must be of one type: a flag has one")
        return self


class RolloutEntry(ConfigModel):
    """A rollout that the server answers for.

    Attributes:
        name: Its name in paths, and the flag's key.
        key: The key of the percentage in Redis.
        salt: What users are divided by; empty for the key.
        revision: What the programs run that don't say so; empty where that is not asked.
        staff: Ids of users who get treatment before everybody else, as long as the percentage is above 0.
        metrics: What the names of its application's metrics begin with; empty for the name, with `_` where it must be.
        object: The `MLRollout`; without it nothing can be changed through this server.
        values: What the flag answers.
    """

    name: Annotated[Text, AfterValidator(_named)]
    key: Text
    salt: str = ""
    revision: Annotated[str, StringConstraints(max_length=512)] = ""
    staff: Annotated[frozenset[StrictStr | StrictInt], AfterValidator(_ids)] = frozenset()
    metrics: Annotated[str, StringConstraints(pattern=r"^([a-zA-Z_:][a-zA-Z0-9_:]*)?$")] = ""
    object: ObjectName | None = None
    values: FlagValues = FlagValues()

    @property
    def prefix(self) -> str:
        """What the names of its application's metrics begin with."""
        return self.metrics or metric_prefix(self.name)


def metric_prefix(name: str) -> str:
    """What the names of metrics begin with where nobody says: a name, with `_` where it must be."""
    return re.sub(r"^(?=[0-9])|[^a-zA-Z0-9_]", "_", name)


class Algorithm(StrEnum):
    """How sessions are signed; what a token says of itself does not count."""

    HS256 = "HS256"
    RS256 = "RS256"
    ES256 = "ES256"


class SessionSettings(ConfigModel):
    """Which sessions of users are good.

    Attributes:
        algorithm: How they are signed.
        key: The file of the shared secret (HS256), or of the public key in PEM.
        issuer: What `iss` must say; empty for anything.
        audience: What `aud` must hold; empty where there must be none.
    """

    algorithm: Algorithm
    key: Path
    issuer: str = ""
    audience: str = ""


class SurveySettings(ConfigModel):
    """Whose ratings count.

    Attributes:
        every: Seconds in which one rating of a user counts, and no more.
        key: The file of the secret that rating tickets are signed with; without it users can't rate by themselves.
        valid: Seconds that a ticket of the server's holds.
    """

    every: Annotated[Duration, Between("1h", "52w")] = 86_400.0
    key: Path | None = None
    valid: Annotated[Duration, Between("1m", "30d")] = 259_200.0


class RedisTls(ConfigModel):
    """Files for Redis with TLS, in PEM.

    Attributes:
        ca: Authorities to trust besides the system's.
        certificate: The client's certificate, where Redis asks for one.
        key: Its key.
    """

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


class ConnectionLimits(ConfigModel):
    """How many connections and streams may be open at once.

    Attributes:
        connections: Connections in all.
        connections_per_address: From one address.
        streams: Event streams in all.
        streams_per_address: From one address.
    """

    connections: Annotated[StrictInt, Field(ge=1)] = 4000
    connections_per_address: Annotated[StrictInt, Field(ge=1)] = 256
    streams: Annotated[StrictInt, Field(ge=1)] = 2000
    streams_per_address: Annotated[StrictInt, Field(ge=1)] = 128


class ProxyLogin(ConfigModel):
    """The headers by which a proxy says whom it has signed in. They count from the networks in `proxies` alone.

    Attributes:
        user: The header with the user's name, as the cluster's RBAC knows it.
        groups: The header with the user's groups, with commas between; empty for none.
    """

    user: Header
    groups: Header | None = None


class FigureTitle(ConfigModel):
    """What a figure is called.

    Attributes:
        en: In English.
        ko: In Korean; empty for the English one.
    """

    en: Annotated[Text, StringConstraints(max_length=80)]
    ko: Annotated[str, StringConstraints(max_length=80)] = ""


class BusinessTarget(ConfigModel):
    """What a figure shall be.

    Attributes:
        op: How it is held against the value.
        value: The value.
        relative: Whether it is about the treatment's change against the control, in per cent.
    """

    op: Literal[">=", "<=", "<", ">"]
    value: Annotated[float, Field(allow_inf_nan=False)]
    relative: StrictBool = False


class BusinessFigure(ConfigModel):
    """A figure that an organisation follows besides the five.

    Attributes:
        key: Its name, for programs.
        title: Its name, for people.
        unit: Its unit; empty for none.
        query: PromQL that answers with one series for each group, by the label `group`. `$metrics`, `$window`,
            `$namespace` and `$name` stand for the rollout's.
        target: What it shall be.
    """

    key: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
    title: FigureTitle
    unit: Annotated[str, StringConstraints(max_length=16)] = ""
    query: Annotated[str, StringConstraints(min_length=1, max_length=4096)]
    target: BusinessTarget


class ShownApplication(ConfigModel):
    """Whose metrics are shown with an object that is no `object` of `rollouts`.

    Attributes:
        object: The object.
        metrics: What the names of its application's metrics begin with.
    """

    object: ObjectName
    metrics: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z_:][a-zA-Z0-9_:]*$")]


class DashboardSettings(ConfigModel):
    """The live dashboard.

    Attributes:
        namespace: Whose objects are shown; empty for those of every namespace.
        key: The file of the secret, 32 bytes or more, that sessions are sealed with; left out: one of this process'
            own, so that people sign in anew after its restart, and at each of several servers.
        proxy: How a proxy says whom it has signed in; left out: nobody is believed.
        window: Seconds that each of the five figures looks back.
        interval: Seconds between two questions to Prometheus about one figure.
        applications: Whose metrics are shown with objects that are no `object` of `rollouts`.
        business: Further figures.
    """

    namespace: Annotated[str, StringConstraints(max_length=63)] = ""
    key: Path | None = None
    proxy: ProxyLogin | None = None
    window: Annotated[Duration, Between("1m", "1d")] = 300.0
    interval: Annotated[Duration, Between("5s", "5m")] = 15.0
    applications: tuple[ShownApplication, ...] = ()
    business: Annotated[tuple[BusinessFigure, ...], Field(max_length=16)] = ()

    @model_validator(mode="after")
    def _keys_are_unique(self) -> Self:
        keys = [one.key for one in self.business]
        if twice := {key for key in keys if keys.count(key) > 1}:
            raise ValueError(f"business: {', '.join(sorted(twice))} stands there twice: give each a key of its own")
        return self


class Config(ConfigModel):
    """The server's configuration.

    Attributes:
        listen: Where the server listens.
        rollouts: What it answers for.
        prometheus: Where the application's metrics are; empty for nowhere.
        tokens: The file of the static tokens.
        sessions: The sessions of users who ask for themselves.
        origins: Of the browser pages of other hosts that may call it.
        rate: Requests a second that one caller may make, in the long run.
        limits: How many connections and streams may be open at once.
        proxies: The networks of the proxies in front, which say for whom they ask.
        survey: Whose ratings count.
        redis_tls: Files for Redis with TLS.
        dashboard: The live dashboard; left out: none.
    """

    listen: Annotated[str, AfterValidator(_address)] = DEFAULT_LISTEN
    rollouts: Annotated[tuple[RolloutEntry, ...], Field(min_length=1)]
    prometheus: str = ""
    tokens: Path | None = None
    sessions: SessionSettings | None = None
    origins: frozenset[Annotated[str, AfterValidator(_origin)]] = frozenset()
    rate: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 1000.0
    limits: ConnectionLimits = ConnectionLimits()
    proxies: tuple[IPvAnyNetwork, ...] = ()
    survey: SurveySettings = SurveySettings()
    redis_tls: RedisTls = RedisTls()
    dashboard: DashboardSettings | None = None

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [one.name for one in self.rollouts]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"rollouts: {', '.join(sorted(twice))} stands there twice: give each a name of its own")
        return self


def load(file: Path) -> Config:
    """The settings of a file.

    Raises:
        SettingsError: It can't be read, or does not make sense; the text says where and what to do.
    """
    return load_yaml(file, Config, "the configuration")
