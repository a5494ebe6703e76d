"""What the page is told and answered besides rollouts and figures, and what it sends."""

from typing import Annotated, Literal

from pydantic import Field, StrictInt, StrictStr

from mlrollout.domain.request import Verb

from .models import PageModel, RolloutLine, Situation, Timestamp

# --- the stream -----------------------------------------------------------------------------------


class RolloutsEvent(PageModel):
    """`rollouts`: all that there is, at the beginning of a stream."""

    as_of: Timestamp | None
    """When the API server was last heard."""
    rollouts: tuple[RolloutLine, ...]
    """All that this person may see."""


GoneWhy = Literal["deleted", "hidden"]


class GoneEvent(PageModel):
    """`gone`: an object that is there no more, or may not be seen."""

    namespace: str
    """Of the object."""
    name: str
    """Of the object."""
    uid: str
    """Of the object; empty where it never was there."""
    why: GoneWhy = "deleted"
    """`deleted`: it is not there. `hidden`: this person may not see it, and is not told whether it is there."""


class AliveEvent(PageModel):
    """`alive`: how old all that stands on the page is."""

    now: Timestamp
    """The time by the server's clock, by which ages are told."""
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
    tag: str = ""
    """What tells this session from others. A stream names it as `session`, and is refused where another has begun."""
    expires_at: Timestamp | None
    """When they will have to sign in anew; `null` where nobody knows."""
    namespaces: tuple[str, ...] | None
    """The namespaces that are shown; `null` for all."""
    can_sign_out: bool = True
    """Whether one can sign out here; not where a proxy, or a token that is sent along, says who it is each time."""


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
    seen: Situation | None = None
    """How it stood when the person looked, as `situation` of the detail said. Needed for `promote`, `approve`, `retry`
    and `resume`, and for a `demote` without a percentage: they are refused where it has changed. `pause`, and a
    `demote` with a percentage, are refused where it is another object; a `rollback` never is."""


class VerbOutcome(PageModel):
    """What became of a verb."""

    accepted: bool
    """Whether the operator acted on it, or has yet to answer."""
    answered: bool
    """Whether the operator has answered."""
    message: str
    """What was done, why it was refused, or what comes of it."""
