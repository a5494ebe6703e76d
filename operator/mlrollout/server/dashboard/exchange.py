"""What the page is told and answered besides rollouts and figures, and what it sends."""

from typing import Annotated, Literal

from pydantic import Field, StrictInt, StrictStr

from mlrollout.domain.request import Verb

from .models import PageModel, RolloutLine, Timestamp

# --- the stream -----------------------------------------------------------------------------------


class RolloutsEvent(PageModel):
    """`rollouts`: all that there is, at the beginning of a stream."""

    as_of: Timestamp | None
    """When the API server was last heard."""
    rollouts: tuple[RolloutLine, ...]
    """All that this person may see."""


class GoneEvent(PageModel):
    """`gone`: an object that is there no more, or may be seen no more."""

    namespace: str
    """Of the object."""
    name: str
    """Of the object."""
    uid: str
    """Of the object; empty where it never was there."""


class AliveEvent(PageModel):
    """`alive`: how old all that stands on the page is."""

    as_of: Timestamp | None
    """When the API server was last heard; `null` where it never was."""
    source: Literal["live", "stale"]
    """Whether what is shown follows the cluster now."""
    why: str | None = None
    """Why it does not."""


class EndEvent(PageModel):
    """`end`: the stream ends for good."""

    why: Literal["signed-out", "crowded"]
    """`signed-out`: the token is not valid any more. `crowded`: too many streams are open; come back later."""


# --- requests and their answers -------------------------------------------------------------------


class SessionAnswer(PageModel):
    """Who is signed in."""

    user: str
    """Who it is, as the API server says."""
    groups: tuple[str, ...]
    """What they belong to."""
    mode: Literal["person", "cluster"]
    """`person`: by a kubeconfig on this machine. `cluster`: on a server in the cluster."""
    context: str | None
    """The context of that kubeconfig."""
    csrf: str
    """What every request that changes anything carries as `X-CSRF-Token`."""
    expires_at: Timestamp | None
    """When they will have to sign in anew; `null` where nobody knows."""
    namespaces: tuple[str, ...] | None
    """The namespaces that are shown; `null` for all."""


class SignInRequest(PageModel):
    """Signing in."""

    token: Annotated[StrictStr, Field(min_length=1, max_length=16_384)]
    """A bearer token of the cluster."""


class VerbRequest(PageModel):
    """A verb that is asked for."""

    verb: Verb
    """The verb."""
    reason: Annotated[StrictStr, Field(max_length=200)] = ""
    """Why; it stands in the history with the person's name."""
    percentage: Annotated[StrictInt, Field(ge=0, le=100)] | None = None
    """Of `demote`: the percentage to go to at most; left out, the stage before."""


class VerbOutcome(PageModel):
    """What became of a verb."""

    accepted: bool
    """Whether the operator acted on it, or has yet to answer."""
    answered: bool
    """Whether the operator has answered."""
    message: str
    """What was done, why it was refused, or what comes of it."""
