"""Guardrails that test at every look: each event counts once, the same for everybody, and a breach stands on enough."""

import json
import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Any

from mlrollout.api.balance import BalanceGuardrail
from mlrollout.api.compare import CompareGuardrail
from mlrollout.api.rate import RateGuardrail
from mlrollout.evidence.checks.kinds import check_of
from mlrollout.evidence.checks.memory import ROUNDED
from mlrollout.evidence.checks.sequential import SequentialCheck
from mlrollout.evidence.measurement import Counted, Verdict
from mlrollout.ports import Ref

from tests.simulation.world.counters import Segment
from tests.simulation.world.history import Changed, Judged, Stored
from tests.simulation.world.model import HEALTHY_ERRORS, LATE, SICK_ERRORS
from tests.simulation.world.world import EPOCH, World

from .evidence import skews
from .hearing import Hearing
from .held import served
from .violation import Violation
from .zero import Hindrances

FOUND = 60.0
"""Seconds in which a model that fails so often is found at 5 %, where some twenty of its events are enough."""
FOUND_BY_FEW = 3 * FOUND
"""Likewise, by a comparison with a twentieth of the users: it takes so many of them to know how few of those fail."""
FEW_ARE_LEFT = 90
"""Percentage above which they are so few."""
SELDOM = 0.01
"""Share of sick models that may fail so seldom at first that they are found later."""


def each_event_counts_once(world: World) -> Iterator[Violation]:
    """What a test stands on is what was scraped of its stage, of each group, over restarts, gaps and take-overs."""
    if skews(world.history):
        return  # a clock that is ahead misses what comes later than it thinks
    doubtful = cache(lambda name: world.prometheus.app(name).counters.doubtful)
    for entry, kept in _tests(world):
        if doubtful(entry.ref.name):
            return  # what may be a gauge is not counted
        for wrong in _miscounts(world, entry, kept):
            yield Violation(entry.at, f"{entry.by} counts of {wrong}")
            return


def by_chance(world: World, look: Judged) -> bool:
    """Whether a test that blames a healthy model counted rightly, and that model did what such models seldom do.

    Now and then a test is wrong about one, in no more attempts than was asked for.
    """
    evidence = look.measurement.evidence
    if evidence is None or not _says(look) or any(step.act == "bad_hour" for step in world.plan.steps):
        return False
    if any(_miscounts(world, look, json.loads(look.measurement.checkpoint))):
        return False
    treatment, control = evidence.treatment, evidence.control or Counted(0.0, 0.0)
    so_many = 1 - _at_most((treatment.bad or 0) - 1, treatment.events)
    return so_many * _at_most(control.bad or 0, control.events) <= evidence.false_alarm


def _at_most(bad: float, events: float, fails: float = HEALTHY_ERRORS) -> float:
    """How likely so few of so many requests fail, of which each does with that chance."""

    def log_choices(one: int) -> float:  # of thousands of requests there are more than a float holds
        return math.lgamma(events + 1) - math.lgamma(one + 1) - math.lgamma(events - one + 1)

    rest = math.log1p(-fails)
    logs = (log_choices(one) + one * math.log(fails) + (events - one) * rest for one in range(int(bad) + 1))
    return math.fsum(map(math.exp, logs))


def _miscounts(world: World, entry: Judged, kept: Any) -> Iterator[str]:
    """In which group was counted what was not scraped, and what that is."""
    evidence = entry.measurement.evidence
    assert evidence is not None
    for group, found in (("treatment", evidence.treatment), ("control", evidence.control)):
        wrong = "" if found is None else _miscounted(world, entry, kept, group, found)
        if wrong:
            yield f"{group}, for {entry.guardrail.name}: {wrong}"


def _miscounted(world: World, entry: Judged, kept: Any, group: str, found: Counted) -> str:
    """What is wrong with what was counted of a group; empty if nothing."""
    counters, guardrail = world.prometheus.app(entry.ref.name).counters, entry.guardrail
    span = kept["since"] - EPOCH, kept["counted"] - EPOCH

    def scraped(selector: str, beside: str, since: float = 0.0) -> range:
        narrowed = selector if "group=" in selector else selector.replace("{", f'{{group="{group}",')
        since = max(since, _bets(kept)["begin"] - EPOCH)
        return counters.increase(narrowed, *span, since=since, beside=beside, now=entry.at)

    if isinstance(guardrail, BalanceGuardrail):
        return _wrongly_split(kept, group, found, lambda since: scraped(*(guardrail.balance.users,) * 2, since))
    asked = guardrail.rate if isinstance(guardrail, RateGuardrail) else guardrail.compare
    events, bad = scraped(str(asked.all), str(asked.all)), scraped(str(asked.bad), str(asked.all))
    evidence = entry.measurement.evidence
    everybody = bool(kept["shares"]) and kept["shares"][-1][2] == 1
    uncontrolled = everybody or (evidence is not None and evidence.control is None)
    alone = uncontrolled and isinstance(guardrail, CompareGuardrail)
    # At 100 %, what came while the percentage was not known counts for a comparison, which has no control yet; and who
    # is in control all the same, as applications that have lost Redis, counts for nothing.
    # What was hidden when the percentage changed is nobody's: the block with which it is back is left out.
    changes = {at - EPOCH for since, stage, _ in kept["shares"] for at in (since, stage)}
    hidden = any(counters.hidden(str(asked.all), at) for at in changes)
    if (found.events in events and found.bad in bad) or (
        (alone or hidden) and found.events < events.stop and (found.bad or 0) < bad.stop
    ):
        return ""
    return f"{found.bad} bad of {found.events} events, where {bad} of {events} were scraped in {span}"


def _wrongly_split(kept: Any, group: str, found: Counted, scraped: Callable[[float], range]) -> str:
    """The same of users, who count as long as it is known which share of them was asked for."""
    since, _, share = kept["shares"][-1] if kept["shares"] else (math.inf, 0.0, None)
    if group == "control" and share == 1:
        return ""  # nobody has to be in it
    known = share is not None and since < kept["since"]
    # The block in which the percentage changed counts for no share, and nothing is said of what came before.
    users = scraped(since - EPOCH if known else 0.0)
    right = found.events in users if known else found.events < users.stop
    return "" if right else f"{found.events} of {users} users, with a share since {since - EPOCH:.3f}"


def replicas_agree(world: World) -> Iterator[Violation]:
    """Whoever has read the samples up to a moment, and whenever, has the same evidence.

    Whom the API server tells nothing, hears of an attempt by Redis, and not when it began.
    """
    if skews(world.history):
        return
    known: dict[tuple[object, ...], tuple[Judged, Any, bool]] = {}
    for entry, kept, at_once in _heard(world):
        if kept["counted"] == kept["since"]:
            continue  # nothing was counted yet, or not since when others count
        alone = isinstance(entry.guardrail, CompareGuardrail) and entry.guardrail.compare.max is not None
        if alone or isinstance(entry.guardrail, BalanceGuardrail):
            continue  # what they count depends on the percentage, and since when that stands, each sees for himself
        bets = _bets(kept)
        # What waits for a group without events is given up with its stage, and when each began one sees for himself; of
        # one that began while he heard nothing he learns no more, or later than it was read.
        stages = _stages(kept, entry.guardrail) if isinstance(entry.guardrail, CompareGuardrail) else ()
        about = (entry.uid, kept["guardrail"], kept["attempt"], kept["upto"], stages)
        other, before, its_at_once = known.setdefault(about, (entry, bets, at_once))
        # Who hears late of an attempt may have seen the users of the one before for longer: what came after, it counts.
        late = (bets["begin"] > before["begin"] and not at_once) or (
            before["begin"] > bets["begin"] and not its_at_once
        )
        if not _same(before, bets) and not late:
            yield Violation(
                entry.at,
                f"{entry.by} has other evidence of {entry.guardrail.name} of {entry.ref} than {other.by} had at "
                f"{other.at:.2f} s: since {bets['begin']} and {before['begin']}, {bets['worse']} and {before['worse']}",
            )
            return


def _same(one: Any, other: Any) -> bool:
    """Whether two have found the same. A status rounds when its stage began, which others have from Redis."""
    apart = abs(one["begin"] - other["begin"])
    if not apart:
        return bool(one["worse"] == other["worse"])
    # The stake on the moments of a block, a second at least, changes by no more than so much of a second.
    close = (math.isclose(mine, its, abs_tol=ROUNDED) for mine, its in zip(one["worse"], other["worse"], strict=True))
    return apart < 1.5 * ROUNDED and all(close)


def a_breach_is_beyond_chance(world: World) -> Iterator[Violation]:
    """A breach is as unlikely by chance as was asked for, all guardrails of the object that test so together."""
    sharing: defaultdict[str, set[int]] = defaultdict(set)
    for entry in world.history:
        if isinstance(entry, Stored):
            marks = (
                mark
                for one in entry.object["spec"]["guardrails"]
                for mark in ("rate", "compare", "balance")
                if mark in one
            )
            sharing[entry.uid].add(len(list(marks)))
        if not isinstance(entry, Judged) or entry.measurement.verdict is not Verdict.BREACH:
            continue
        evidence, guardrail = entry.measurement.evidence, entry.guardrail
        if evidence is None:
            continue
        allowed = guardrail.false_alarm or 0.01
        if not any(abs(evidence.false_alarm * number / allowed - 1) < 1e-9 for number in sharing[entry.uid]):
            yield Violation(entry.at, f"a breach of {entry.ref} at a chance of {evidence.false_alarm}, of {allowed}")
        elif evidence.e_value * evidence.false_alarm < 1 - 1e-9:
            yield Violation(entry.at, f"a breach of {entry.ref} on an e-value of {evidence.e_value}")


def a_failing_model_is_found(world: World) -> Iterator[Violation]:
    """A model that fails is taken back soon, where nothing keeps anybody from seeing it."""
    hindered = Hindrances(world, dict.fromkeys(("outage", "nonsense", "deafen", "stale", "skew", "bad_hour"), 0.0))
    if any(step.act == "silence" for step in world.plan.steps):
        return
    for ref, found in world.api.objects.items():
        taking = [one for one in found["spec"]["guardrails"] if one.get("action", "Rollback") == "Rollback"]
        stops = found["spec"].get("afterCompletion") == "Stop"
        if stops or ref.name == "sick" or not any("rate" in one or "compare" in one for one in taking):
            continue
        # At 100 %, those who are held back are all there is to compare with.
        few = not any("rate" in one or "max" in one.get("compare", {}) for one in taking)
        held_back = few and bool(found["spec"]["traffic"].get("holdback"))
        compared = not any("rate" in one for one in taking)
        segments = world.prometheus.app(ref.name).segments
        for begin, end in _failing(segments, world.now()):
            by_few = held_back or (compared and _few_are_left(segments, begin, end))
            within = FOUND_BY_FEW if by_few else FOUND
            hidden = hindered.crashed(begin, end) or hindered.meets(begin, end)
            if end - begin > within and not hidden and not _seldom_fails(world, ref, begin, begin + within):
                yield Violation(begin + within, f"the model of {ref} fails since {begin:.2f} s, and is served on")
                return


def _few_are_left(segments: Sequence[Segment], begin: float, end: float) -> bool:
    """Whether there were times with a control, of so few users that a comparison learns slowly of them."""
    ends = (*(segment.at for segment in segments[1:]), math.inf)
    meanwhile = (segment for segment, until in zip(segments, ends, strict=True) if segment.at < end and until > begin)
    return any(FEW_ARE_LEFT < segment.percentage < 100 for segment in meanwhile)


def _seldom_fails(world: World, ref: Ref, begin: float, end: float) -> bool:
    """Whether so few of a sick model's requests failed as seldom do, and were counted rightly: more will tell."""
    looks = [(look, kept) for look, kept in _tests(world) if look.ref == ref and begin < look.at <= end]
    for look, kept in reversed(looks):
        evidence = look.measurement.evidence
        if evidence is not None and evidence.treatment.bad is not None:
            seldom = _at_most(evidence.treatment.bad, evidence.treatment.events, SICK_ERRORS) <= SELDOM
            return seldom and not any(_miscounts(world, look, kept))
    return False


def _failing(segments: Sequence[Segment], now: float) -> Iterator[tuple[float, float]]:
    """When an attempt's model failed."""
    since = None
    for segment, following in pairwise((*segments, replace(segments[-1], at=now))):
        sickens = segment.first + LATE if segment.revision.startswith("late") else segment.at
        sick = (
            segment.treated and max(sickens, segment.at) < following.at and segment.fails(following.at) == SICK_ERRORS
        )
        if sick:
            since = max(sickens, segment.at) if since is None else since
        if since is not None and not (sick and following.revision == segment.revision):
            yield since, following.at if sick else segment.at
            since = None
    if since is not None:
        yield since, now


def no_split_is_blamed(world: World) -> Iterator[Violation]:
    """A split that is as it was asked for is not found to be broken, but by chance."""
    if skews(world.history):
        return  # by a clock that is wrong, the percentage changed at another time
    for entry in world.history.of(Judged):
        blamed = isinstance(entry.guardrail, BalanceGuardrail) and entry.measurement.verdict is Verdict.BREACH
        if blamed and not world.prometheus.app(entry.ref.name).weather.broken_splits and not _by_chance(world, entry):
            yield Violation(entry.at, f"the split of {entry.ref} is blamed: {entry.measurement.message}")
            return


def _by_chance(world: World, entry: Judged) -> bool:
    """Whether all users of a time with a known share did come at that share: then chance alone has divided them so."""
    kept = json.loads(entry.measurement.checkpoint)
    begin, end = _bets(kept)["begin"] - EPOCH, kept["counted"] - EPOCH
    shares = [(since - EPOCH, share) for since, _, share in kept["shares"]]
    changes = [(segment.at, segment.treated / 100) for segment in world.prometheus.app(entry.ref.name).segments]
    for (since, share), (until, _) in pairwise([*shares, (end, None)]):
        # What is kept is rounded to the millisecond, what changed is not.
        first, last = max(since, begin) + 0.001, min(until, end) - 0.001
        stood = [found for at, found in changes if at <= first][-1:]
        stood += [found for at, found in changes if first < at < last]
        if share is not None and any(not math.isclose(found, share) for found in stood):
            return False
    return True


def _bets(kept: Any) -> Any:
    """What a test has found, of what its check keeps."""
    return kept["state"].get("bets") or kept["state"]["cohorts"]["compared"]["bets"]


def _stages(kept: Any, guardrail: CompareGuardrail) -> tuple[object, ...]:
    """Where the first block of the last stage begins, and of each that was read, when it began and at which block."""
    first: dict[float, int] = {}
    for since, stage, _ in kept["shares"]:
        first.setdefault(stage, math.ceil(since / _seconds_of_a_block(guardrail)))
    return kept["since"], *sorted((stage, block) for stage, block in first.items() if stage <= kept["upto"])


@cache
def _seconds_of_a_block(guardrail: CompareGuardrail) -> float:
    check = check_of(guardrail)
    assert isinstance(check, SequentialCheck)
    return check.blocks.step


def _heard(world: World) -> Iterator[tuple[Judged, Any, bool]]:
    """Each of these looks whose instance was told when its attempt's first users came, the last time that they did.

    With whether it was at once.
    """
    hearing = Hearing()
    came: dict[str, float] = {}
    stages: dict[str, str] = {}
    for entry in world.history:
        hearing.take(entry)
        if isinstance(entry, Stored):
            stage = entry.object.get("status", {}).get("record", {}).get("stage", "")
            if stage and not stages.get(entry.uid):
                came[entry.uid] = entry.at
            stages[entry.uid] = stage
        elif isinstance(entry, Changed) and (users := served(entry.after)) not in {None, served(entry.before)}:
            came[users[0]] = entry.at  # lost, and come again before a status said so
        elif isinstance(entry, Judged) and _says(entry):
            since = came.get(entry.uid, 0.0)
            if hearing.told(entry.by, since, entry.at):
                yield entry, json.loads(entry.measurement.checkpoint), hearing.told_at_once(entry.by, since)


def _tests(world: World) -> Iterator[tuple[Judged, Any]]:
    """Each look that says what it counted, and what its check keeps."""
    for entry in world.history.of(Judged):
        if _says(entry):
            yield entry, json.loads(entry.measurement.checkpoint)


def _says(entry: Judged) -> bool:
    return bool(entry.measurement.checkpoint) and entry.measurement.evidence is not None
