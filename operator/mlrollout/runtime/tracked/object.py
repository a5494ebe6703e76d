"""One object as this process knows it: what follows from all of its parts together."""

from dataclasses import dataclass, field

from mlrollout.api import GROUP
from mlrollout.api.spec import Spec
from mlrollout.domain.decision import Observation
from mlrollout.domain.leave import leave
from mlrollout.domain.partial import hold
from mlrollout.domain.state import State
from mlrollout.ports import Object, Ref
from mlrollout.runtime.loop_time import LoopTime
from mlrollout.runtime.reading import Problem

from .measured import Measured
from .naming import OFTEN, Naming
from .notified import Notified
from .redis_side import RedisSide
from .resource import Resource
from .standing import Standing
from .tally import Tally
from .told import Told
from .writing import Writing

FINALIZER = f"{GROUP}/traffic"


@dataclass(slots=True, eq=False)
class TrackedObject:
    """One object in memory. Anybody may read its parts; who writes each of them, the part says.

    Attributes:
        ref: Which object.
        cluster: Which cluster it is in, as far as that is known; see `Observation`.
        resource: What the API server said.
        redis: What Redis said.
        measured: What was measured.
        naming: What the source of its revisions names.
        standing: Where it stands, by all of that.
        writing: How writing to it went.
        told: What people have been told of it.
        tally: What happened to it, counted.
        notified: How far receivers of notifications have been told of it.
        leaving: When this process first tried to let it go, by the loop's clock; `None` while it has not.
        gone: Whether the object no longer exists.
    """

    ref: Ref
    cluster: str = ""
    resource: Resource = field(default_factory=Resource)
    redis: RedisSide = field(default_factory=RedisSide)
    measured: Measured = field(default_factory=Measured)
    naming: Naming = field(default_factory=Naming)
    standing: Standing = field(default_factory=Standing)
    writing: Writing = field(default_factory=Writing)
    told: Told = field(default_factory=Told)
    tally: Tally = field(default_factory=Tally)
    notified: Notified = field(default_factory=Notified)
    leaving: LoopTime | None = None
    gone: bool = False

    @property
    def uid(self) -> str:
        """The object's uid."""
        return self.resource.uid

    @property
    def state(self) -> State | None:
        """Where it stands."""
        return self.standing.state

    @property
    def spec(self) -> Spec | None:
        """What it asks for, as far as that can be understood."""
        return self.resource.spec

    def apply(self, found: Object) -> None:
        """Take over a newer version of the object: its spec, and its status merged with what is known here.

        What is measured from then on is about the guardrails that it names, whoever heard of them, and from whom.

        Raises:
            GoneError: It is another object of the same name.
        """
        if self.resource.apply(found):
            self.standing.merge(self.resource.saved)
        else:
            self.standing.glimpse(self.resource.glimpsed)
        checkpoints = {found.name: found.checkpoint for found in self.resource.status.guardrails}
        self.measured.sync(self.spec.guardrails if self.spec is not None else (), checkpoints)

    @property
    def problem(self) -> Problem | None:
        """What a person has to mend before traffic may grow."""
        return self.resource.invalid or self.resource.unread or self.measured.problem

    @property
    def effective_spec(self) -> Spec:
        """The spec to decide on: one that something is wrong with, or that goes, is guarded, but does not grow."""
        if self.spec is None:
            raise ValueError("an object without a usable spec can't be decided on")
        if self.state is not None and not self.resource.whole:
            return hold(self.spec, self.state.record, self.state.fingerprint)
        # Up only by a spec and a status that are whole; what is understood of any other guards all the same.
        return self.spec.model_copy(update={"paused": True}) if self.held else self.spec

    @property
    def held(self) -> bool:
        """Whether it stays where it is, whatever a person says of its pause."""
        return not self.resource.whole or self.problem is not None or self.resource.deleted_at is not None

    @property
    def left(self) -> bool:
        """Whether nothing of it is left in Redis that a deletion has to give up, by what Redis last said."""
        begun = self.state is not None or "record" in (self.resource.object.get("status") or {})
        if not begun and FINALIZER not in self.resource.finalizers:
            return True  # of one that has a finalizer the status may be lost: what it has begun, Redis tells
        traffic, keep = self.redis.traffic, self.resource.keeps
        return traffic is not None and leave(self.state, self.uid, traffic, keep=keep) is None

    @property
    def over(self) -> bool:
        """Whether it needs no guard any more: it goes, and holds no traffic, or traffic that shall stay."""
        stays = self.resource.keeps and FINALIZER in self.resource.finalizers
        return self.resource.deleted_at is not None and self.left and not stays

    @property
    def overtaken(self) -> bool:
        """Whether Redis has told of a later attempt than the status that was seen, or of more users.

        Both stand in a status before they stand in Redis, and whoever wrote that did so on a version of the object
        with the verbs that stand here, and has answered them.
        """
        if self.state is None:
            return False
        if self.resource.saved is None:
            return True
        saved, known = self.resource.saved.record, self.state.record
        if known.owner != saved.owner or known.attempt < saved.attempt:
            return False
        return known.attempt > saved.attempt or (self.resource.unread is None and known.percentage > saved.percentage)

    def observation(self) -> Observation:
        """Everything that was seen, for one decision."""
        return Observation(
            uid=self.uid,
            holder=str(self.ref),
            traffic=self.redis.traffic,
            trouble=self.redis.trouble,
            measurements=self.measured.histories,
            verbs=self.resource.requests,
            removed=self.resource.removed,
            created=self.resource.created,
            cluster=self.cluster,
            unguarded=self.resource.untold if self.resource.abandoned else "",
            claim=self.redis.claim,
            named=self.naming.current,
            asked=self.naming.asked,
            unnamed=self.naming.unnamed,
            announced=self.naming.announced,
            unannounced=self.naming.announcing.told(OFTEN),
            held=self.held,
            others_until=self.standing.others_until,
        )
