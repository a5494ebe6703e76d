"""One rollout, from its first look to its end, on synthetic traffic: the operator's decisions, jump by jump.

Nothing is seen of a look that can't matter: it counts as what looks like it come to (`Outlook.steady`). So that the
operator does not take the time between two looks for time in which nobody looked, all guardrails have the longest
`maxAge` here; samples are always fresh.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

from mlrollout.api.sequential import SequentialGuardrail
from mlrollout.api.spec import Spec
from mlrollout.domain.decide import decide
from mlrollout.domain.decision import Decision, Observation
from mlrollout.domain.state import Phase, State
from mlrollout.domain.subject import attempt, sharing
from mlrollout.domain.traffic import Traffic
from mlrollout.evidence.measurement import Measurement, MeasurementHistory, Verdict

from .counters import Counters
from .load import Load
from .schedule import BlockSchedule, LookSchedule
from .tested import Tested, compares
from .watched import AlwaysPasses, Pace, Watched

BEGIN = 1_800_000_000.0
"""When rollouts begin, in seconds since the epoch: any time does."""
_OWNER, _HOLDER = "simulated", "simulated/rollout"
_ROUNDS = 12
_PATIENCE = 3600.0


@dataclass(frozen=True, slots=True)
class End:
    """How a rollout ended. Times are seconds since its begin.

    Attributes:
        taken_back: When it was rolled back; `None` where it was not.
        guardrail: What did it; empty for none.
        entered: When each stage was entered.
        completed: When the last stage had served its time; `None` where it did not.
        waits: What it waited for in the end, for people; empty where it ended.
    """

    taken_back: float | None
    guardrail: str
    entered: Mapping[str, float]
    completed: float | None
    waits: str = ""


@dataclass(frozen=True, slots=True)
class Guards:
    """What guards a rollout.

    Attributes:
        watched: The guardrails that answer with one number, of counters whose meaning is known.
        tested: Those that test block by block.
        others: Those that are taken as passing.
        scrape: Seconds between two scrapes.
        blocks: At so many blocks that are complete a look is made, once one has passed.
    """

    watched: Sequence[Watched]
    tested: Sequence[SequentialGuardrail]
    others: Sequence[AlwaysPasses]
    scrape: float
    blocks: int = 1


class Try:
    """One rollout.

    Args:
        spec: As it is simulated: see `forecast.prepared`.
        guards: Its guardrails.
        load: The traffic.
        chance: Where everything comes from that is left to chance.
    """

    def __init__(self, spec: Spec, guards: Guards, load: Load, chance: Random) -> None:
        self._spec, self._others = spec, guards.others
        self._load = _begun(load, chance)
        self._steady = self._load.at(0.0)
        self._changes = BEGIN + self._load.changes(0.0)
        self._scrape, self._blocks, self._sharing = guards.scrape, guards.blocks, sharing(spec)
        self._counters = Counters(chance, self._scrape, math.floor(BEGIN / self._scrape))
        self._control = self._of_control(chance) if any(map(compares, guards.tested)) else None
        self._look_schedules = [LookSchedule(one, BEGIN + one.guardrail.interval / 2) for one in guards.watched]
        self._block_schedules = [BlockSchedule.of(Tested(one), BEGIN, self._scrape) for one in guards.tested]
        self._histories = {one.name: MeasurementHistory(one) for one in spec.guardrails}
        self._now = BEGIN
        self._state: State | None = None
        self._traffic = Traffic(None, None)
        self._decision: Decision | None = None
        self._entered: dict[str, float] = {}
        self._retry, self._patience = math.inf, 0.0

    def run(self, horizon: float) -> End:
        """The whole rollout, but no longer than so many seconds."""
        until = BEGIN + horizon
        self._keep_samples()
        self._look_at_all()
        while self._now < until and not self._ended:
            self._step(until)
        if not self._ended:
            self._settle()  # what it waits for is told by the last looks
        return self._end()

    # --- time --------------------------------------------------------------------------------

    def _step(self, until: float) -> None:
        """On to what comes next: a look that may matter, the end of the stage's time, or the end."""
        again = self._decision.again if self._decision is not None else None
        timer = min(self._retry, math.inf if again is None else again, self._changes, until)
        pace = self._pace
        looks = [schedule.next(self._counters, pace, timer) for schedule in self._look_schedules]
        look = min(looks, default=math.inf)
        block = min((schedule.due for schedule in self._block_schedules), default=math.inf)
        self._now = min(look, block, timer)
        if block <= min(look, timer):
            self._read(min(self._block_schedules, key=lambda one: one.due))
        elif look < timer:
            self._take(self._look_schedules[looks.index(look)])
        elif timer == self._changes:
            self._change()
        elif timer < until:
            self._look_at_all()

    def _change(self) -> None:
        """Other traffic from now on, as there was in the past."""
        self._catch_up()
        self._keep_samples()
        self._steady = self._load.at(self._now - BEGIN)
        self._changes = BEGIN + self._load.changes(self._now - BEGIN)
        self._set_pace(ahead=False)

    def _take(self, schedule: LookSchedule) -> None:
        """A look, and the decision that follows where it says anything new."""
        before, settled = schedule.last, schedule.due + schedule.watched.guardrail.interval > schedule.closely
        if schedule.left_out:
            self._fill(schedule)
            found = self._add(schedule, replace(schedule.steady(self._pace), at=self._now))
        else:
            found = self._look(schedule)
        schedule.taken(self._counters, self._pace)
        if before is None or found.verdict is not before.verdict or found.verdict is Verdict.BREACH or settled:
            self._settle()

    def _look_at_all(self) -> None:
        """Every guardrail's look, for a decision that needs all of them; again and again while it leads to nothing."""
        stage = self._stage
        for schedule in self._look_schedules:
            self._look(schedule)
            steady = schedule.steady(self._pace)
            if schedule.left_out and schedule.last is not None and schedule.last.verdict is not steady.verdict:
                # That some looks differ, the stage's length has in it.
                self._add(schedule, replace(steady, at=self._now))
        for block in self._block_schedules:
            self._measure(block)
        self._settle()
        if self._stage != stage or self._ended:
            self._retry, self._patience = math.inf, 0.0
        else:
            self._patience = min(_PATIENCE, 2 * self._patience + self._scrape)
            self._retry = self._now + self._patience

    def _read(self, schedule: BlockSchedule) -> None:
        """One more block, and a look where it is time for one."""
        self._catch_up()
        self._keep_samples()
        schedule.due += schedule.tested.block
        schedule.unread += 1
        if schedule.last is None or schedule.last.verdict is not Verdict.PASS or schedule.unread >= self._blocks:
            before = schedule.last
            found = self._measure(schedule)
            if before is None or found.verdict is not before.verdict or found.verdict is Verdict.BREACH:
                self._settle()

    # --- looks -------------------------------------------------------------------------------

    def _look(self, schedule: LookSchedule) -> Measurement:
        """What a guardrail is measured to be now."""
        self._catch_up()
        self._fill(schedule)
        return self._add(schedule, schedule.watched.measure(self._counters, self._now, self._stood))

    def _measure(self, schedule: BlockSchedule) -> Measurement:
        subject = attempt(self._state) if self._state is not None else None
        schedule.last, schedule.unread = schedule.tested.measure(self._now, self._stood, subject, self._sharing), 0
        name = schedule.tested.guardrail.name
        self._histories[name] = self._histories[name].add(schedule.last)
        return schedule.last

    def _keep_samples(self) -> None:
        for schedule in self._block_schedules:
            schedule.tested.scraped(self._counters, self._control)

    def _of_control(self, chance: Random) -> Counters:
        """The counters of the control, which has everybody at first."""
        found, pace = Counters(Random(chance.random()), self._scrape, self._counters.last), self._steady.control(0)  # noqa: S311 - no secret
        found.set_pace(pace.bad, pace.good, ahead=False)
        return found

    def _catch_up(self) -> None:
        """Scrape up to now."""
        for counters in filter(None, (self._counters, self._control)):
            counters.scrape_to(math.floor(self._now / self._scrape))

    def _fill(self, schedule: LookSchedule) -> None:
        """The looks that were left out since the last, as far as a breach is counted over them."""
        missed, guardrail = schedule.missed(self._now), schedule.watched.guardrail
        if not missed:
            return
        for back in range(min(missed, guardrail.breach_after.of), 0, -1):
            at = self._now - back * guardrail.interval
            self._add(schedule, replace(schedule.steady(self._pace), at=at))
        self._settle()  # the time until now counts, whatever this look says

    def _add(self, schedule: LookSchedule, found: Measurement) -> Measurement:
        name = schedule.watched.guardrail.name
        self._histories[name] = self._histories[name].add(found)
        schedule.last = found
        return found

    # --- decisions ---------------------------------------------------------------------------

    def _settle(self) -> None:
        """Decide, and do it, until nothing more follows: as the reconciler does, with a Redis that always answers."""
        for other in self._others:
            name = other.guardrail.name
            self._histories[name] = self._histories[name].add(other.measure(self._now, self._stood))
        for _ in range(_ROUNDS):
            before = self._state
            observation = Observation(_OWNER, _HOLDER, self._traffic, measurements=self._histories, created=BEGIN)
            self._decision = decide(self._spec, before, observation, self._now)
            self._state = self._decision.state
            write = self._decision.write
            if write is not None:
                self._write(Traffic(str(write.record.percentage), write.record))
            elif self._state == before:
                return

    def _write(self, traffic: Traffic) -> None:
        """Redis holds another percentage from now on, and the treatment's traffic follows."""
        before, self._traffic = self._traffic.in_force, traffic
        if traffic.in_force == before:
            return
        self._catch_up()
        self._keep_samples()
        pace = self._pace
        self._set_pace(ahead=any(schedule.watched.suspects(pace) for schedule in self._look_schedules))
        for schedule in self._look_schedules:
            schedule.enter(self._now)
        for block in self._block_schedules:
            block.last = None
        if traffic.record is not None and traffic.record.stage:
            self._entered.setdefault(traffic.record.stage, self._now - BEGIN)

    def _set_pace(self, *, ahead: bool) -> None:
        pace = self._pace
        self._counters.set_pace(pace.bad, pace.good, ahead=ahead)
        if self._control is not None:
            legacy = self._steady.control(self._traffic.in_force)
            self._control.set_pace(legacy.bad, legacy.good, ahead=False)

    @property
    def _pace(self) -> Pace:
        return self._steady.pace(self._traffic.in_force)

    @property
    def _stood(self) -> float:
        return self._now - self._state.in_force_since if self._state is not None else self._now

    @property
    def _stage(self) -> str:
        return self._state.record.stage if self._state is not None else ""

    @property
    def _ended(self) -> bool:
        return self._state is not None and self._state.phase in (Phase.ROLLED_BACK, Phase.COMPLETED)

    def _end(self) -> End:
        taken = self._state is not None and self._state.phase is Phase.ROLLED_BACK
        completed = self._state is not None and self._state.phase is Phase.COMPLETED
        blockers = self._decision.blockers if self._decision is not None else ()
        return End(
            taken_back=self._now - BEGIN if taken else None,
            guardrail=_named(self._state.explanation) if taken and self._state is not None else "",
            entered=self._entered,
            completed=self._now - BEGIN if completed else None,
            waits="" if self._ended else "; ".join(one.message for one in blockers),
        )


def _begun(load: Load, chance: Random) -> Load:
    """The load of a rollout that may begin in any hour of the past."""
    past = load.past
    return load if past is None else replace(load, begin=math.floor(chance.random() * len(past.spans)) * past.step)


def _named(explanation: str) -> str:
    """The guardrail that an explanation is about: `guardrail NAME: …`, or `guardrail NAME without evidence …`."""
    words = explanation.split()
    return words[1].rstrip(":") if len(words) > 1 and words[0] == "guardrail" else ""
