"""What people are told: each transition once, each verb answered once, and no model blamed for another."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from mlrollout.api import GROUP
from mlrollout.domain.request import Verb
from mlrollout.evidence.measurement import Verdict
from mlrollout.ports import Ref

from tests.simulation.world.history import Acted, Announced, Changed, Judged, Named, Posted, Removed, Stored
from tests.simulation.world.model import harmless
from tests.simulation.world.plan import Leading
from tests.simulation.world.prometheus import Series
from tests.simulation.world.words import core
from tests.simulation.world.world import World

from .tested import by_chance
from .violation import Violation

_ANSWERS = frozenset(
    {"ManualRollback", "Retried", "Resumed", "Approved", "Promoted", "Demoted", "Paused", "VerbRefused"}
)

_CAUSES = frozenset({"GuardrailBreached", "EvidenceMissing", "InvalidSpec", "ManualRollback", "EmergencyStop"})


def transitions_stand_once(world: World) -> Iterator[Violation]:
    """Every transition that was saved stands in the history once, as it was, and once in the Events.

    A rollback and its cause are two transitions and one piece of news.
    """
    told: defaultdict[str, dict[int, tuple[float, Any]]] = defaultdict(dict)
    for entry in world.history.of(Stored):
        known = told[entry.uid]
        for one in entry.object.get("status", {}).get("history", ()):
            serial = one["serial"]
            if serial in known and known[serial][1] != one:
                yield Violation(entry.at, f"{entry.by} rewrites {known[serial][1]} of {entry.ref} as {one}")
            if serial not in known and serial != len(known) + 1:
                yield Violation(entry.at, f"{entry.by} writes transition {serial} of {entry.ref} after {len(known)}")
            known.setdefault(serial, (entry.at, one))
    yield from _events(world, told)


def rollbacks_are_told_with_their_cause(world: World) -> Iterator[Violation]:
    """Whoever saw it and whoever leads: what the history says of a rollback is what stands in Redis with its latch."""
    stood: defaultdict[tuple[str, int], set[tuple[str, str]]] = defaultdict(set)
    told: defaultdict[str, dict[int, Any]] = defaultdict(dict)
    for entry in world.history:
        found = entry.after.record if isinstance(entry, Changed) else None
        if found is not None and found.cause is not None:
            stood[found.owner, found.attempt].add((found.cause.reason, found.cause.message))
        if not isinstance(entry, Stored):
            continue
        status = entry.object.get("status", {})
        told[entry.uid] |= {one["serial"]: one for one in status.get("history", ())}
        record, progress = status.get("record", {}), status.get("progress", {})
        if record.get("latched") and progress.get("confirmed"):
            steps = [one for one in told[entry.uid].values() if one["attempt"] == status["attempt"]]
            wrong = _wrongly_told(steps, stood[entry.uid, record["attempt"]])
            if wrong:
                yield Violation(entry.at, f"{entry.by} tells of attempt {status['attempt']} of {entry.ref} {wrong}")
                return


def _wrongly_told(steps: list[Any], stood: set[tuple[str, str]]) -> str:
    """What is wrong with how a rollback is told; empty if nothing."""
    reasons = [one["reason"] for one in steps]
    if reasons.count("RolledBack") != 1:
        return f"{reasons.count('RolledBack')} rollbacks: {reasons}"
    cause = steps[reasons.index("RolledBack") - 1]
    if cause["reason"] not in _CAUSES:
        return f"no cause of its rollback: {reasons}"
    if (cause["reason"], cause["message"]) not in stood:
        return f"the cause {cause['message']!r}, but {sorted(stood)} stood in Redis"
    return ""


def _events(world: World, told: dict[str, dict[int, tuple[float, Any]]]) -> Iterator[Violation]:
    gone = {entry.uid for entry in world.history.of(Removed)}
    posted = Counter(
        (entry.uid, int(entry.event.unique.partition("-")[0]), entry.event.reason)
        for entry in world.history.of(Posted)
        if entry.event.unique[:1].isdigit()
    )
    for uid, known in told.items():
        for serial, (at, one) in known.items():
            count = posted.pop((uid, serial, one["reason"]), 0)
            if one["reason"] in _CAUSES and known.get(serial + 1, (0.0, {}))[1].get("reason") == "RolledBack":
                count += 1
            if count > 1 or (count == 0 and uid not in gone):
                yield Violation(at, f"transition {serial} of {uid} ({one['reason']}) has {count} Events")
    for uid, serial, reason in posted:
        yield Violation(0.0, f"there is an Event for transition {serial} of {uid} ({reason}), which was never saved")


def verbs_are_answered_once(world: World) -> Iterator[Violation]:
    """What a person asks for is done, or refused, once for each time that it is asked for.

    But a rollback for each attempt: asked for beside a new revision, it ends the one that stands, whoever hears it
    first, and the one that is to come as well. To hear it for one of the two alone would be to guess which was meant.

    Of two that lead, one may refuse a demotion that the other, a moment later, finds to be asked for.
    """
    answers: dict[tuple[str, int], tuple[float, str]] = {}
    refused: set[str] = set()
    demoted: set[str] = set()  # and refused before
    ended: defaultdict[str, set[int]] = defaultdict(set)
    for entry in world.history.of(Stored):
        for one in entry.object.get("status", {}).get("history", ()):
            if one["reason"] in _ANSWERS:
                answers.setdefault((entry.uid, one["serial"]), (entry.at, core(one["message"])))
            if one["reason"] == "ManualRollback":
                ended[core(one["message"])].add(one["attempt"])
            if one["reason"] == "VerbRefused" and world.plan.leading is Leading.BOTH:
                refused.add(core(one["message"]))
            elif one["reason"] == "Demoted" and core(one["message"]) in refused:
                demoted.add(core(one["message"]))
    said = Counter(core(step.value) for step in world.plan.steps if step.act == "verb")
    for why, often in said.items():
        times = [at for at, word in answers.values() if word == why]
        most = often + max(0, len(ended[why]) - 1) + (why in demoted)
        if len(times) > most:
            yield Violation(times[most], f"the verb given {why!r}, said {often} times, is answered {len(times)} times")


def verbs_are_heard(world: World) -> Iterator[Violation]:
    """No annotation is taken away by the operator that was not answered since it was set, be its words the old ones.

    Of words that came back after others, with the verb there all the time, nobody need have seen that they were away.
    """
    set_at: dict[tuple[str, str], tuple[float, str]] = {}
    words: defaultdict[tuple[str, str], dict[str, float]] = defaultdict(dict)  # since when, while the verb stands
    told: defaultdict[str, dict[int, tuple[float, str, str]]] = defaultdict(dict)
    as_asked: set[tuple[str, float]] = set()  # rollbacks that found the object to be as they say, by when they were set
    for entry in world.history.of(Stored):
        status = entry.object.get("status", {})
        for one in status.get("history", ()):
            told[entry.uid].setdefault(one["serial"], (entry.at, one["reason"], one["message"]))
        annotations = entry.object["metadata"].get("annotations", {})
        stand = {verb: annotations[f"{GROUP}/{verb}"] for verb in Verb if f"{GROUP}/{verb}" in annotations}
        for uid, verb in [key for key in set_at if key[0] == entry.uid and key[1] not in stand]:
            since, text = set_at.pop((uid, verb))
            del words[uid, verb]
            if entry.by in ("people", "applier") or not core(text) or "record" not in status:
                continue
            if not any(at >= since and core(message) == core(text) for at, _, message in told[uid].values()):
                if verb == Verb.ROLLBACK and (uid, since) in as_asked:
                    continue  # asked for twice with the same words
                yield Violation(entry.at, f"{entry.by} removes {verb} ({core(text)}), which nobody answered")
        for verb, text in stand.items():
            set_at[entry.uid, verb] = words[entry.uid, verb].setdefault(text, entry.at), text
        since, text = set_at.get((entry.uid, Verb.ROLLBACK), (0.0, ""))
        if text and status.get("record", {}).get("latched") and core(text) in str(status["progress"]):
            as_asked.add((entry.uid, since))


def attempts_are_asked_for(world: World) -> Iterator[Violation]:
    """A new attempt begins with the object, with a new revision and with a retry, and never by itself."""
    if world.plan.leading is Leading.BOTH:
        return  # of two that lead, one may not have heard of a revision yet that the other has begun
    asked: Counter[str] = Counter()
    first: dict[str, int] = {}
    revisions: dict[str, str] = {}
    named: dict[str, str] = {}
    refs: dict[str, Ref] = {}
    for entry in world.history:
        if isinstance(entry, Stored):
            refs[entry.uid] = entry.ref
            revision = entry.object["spec"].get("revision", "")
            asked[entry.uid] += revisions.get(entry.uid) != revision
            revisions[entry.uid] = revision
        elif isinstance(entry, Named):
            for uid in [uid for uid, ref in refs.items() if ref == entry.ref]:
                # The object's first attempt is asked for by its creation, whatever is named then.
                asked[uid] += named.setdefault(uid, entry.revision) != entry.revision
                named[uid] = entry.revision
        elif isinstance(entry, Acted) and entry.act == "verb" and entry.value[0] == "retry":  # type: ignore[index]  # a verb's value
            asked.update(tuple(asked))
        elif isinstance(entry, Changed) and entry.after.record is not None and entry.after.record.owner:
            uid, attempt = entry.after.record.owner, entry.after.record.attempt
            begun = attempt - first.setdefault(uid, attempt) + 1
            if begun > asked[uid]:
                yield Violation(
                    entry.at, f"{entry.by} begins attempt {begun} of {uid}, and {asked[uid]} were asked for"
                )
                return


def attempts_are_named(world: World) -> Iterator[Violation]:
    """No revision begins that its source did not name, twice in a row: one lagging replica takes nothing back."""
    last: dict[tuple[str, Ref], str] = {}
    sure: defaultdict[Ref, set[str]] = defaultdict(set)
    for entry in world.history:
        if isinstance(entry, Named):
            if last.get((entry.by, entry.ref)) == entry.revision:
                sure[entry.ref].add(entry.revision)
            last[entry.by, entry.ref] = entry.revision
        elif isinstance(entry, Stored) and entry.ref.name in world.registries:
            revision = entry.object.get("status", {}).get("record", {}).get("revision", "")
            if revision and revision not in sure[entry.ref]:
                yield Violation(entry.at, f"{entry.by} begins {revision} of {entry.ref}, which nobody named for sure")
                return


def completions_are_announced(world: World) -> Iterator[Violation]:
    """The source of a revision is told of what is complete, and of nothing else."""
    complete: defaultdict[Ref, set[str]] = defaultdict(set)
    for entry in world.history:
        if isinstance(entry, Stored) and entry.object.get("status", {}).get("progress", {}).get("completed"):
            complete[entry.ref].add(entry.object["status"]["revision"])
        elif isinstance(entry, Announced) and entry.revision not in complete[entry.ref]:
            yield Violation(entry.at, f"{entry.by} tells that {entry.revision} of {entry.ref} is complete")


def no_innocent_is_rolled_back(world: World) -> Iterator[Violation]:
    """No good model is taken back for the errors of a bad one before it."""
    if any(step.act in ("skew", "fail_over") for step in world.plan.steps):
        return  # these do let one attempt's errors be counted for another's
    if any(step.act == "silence" and step.value[0] == Series.REQUESTS.name for step in world.plan.steps):  # type: ignore[index]  # a silence's value
        return  # failures that go on over requests that are no more counted are a breach to whoever asks
    began: dict[tuple[str, int], float] = {}
    blamed: set[tuple[str, int]] = set()
    for entry in world.history.of(Stored):
        status = entry.object.get("status", {})
        record = status.get("record", {})
        attempt = entry.uid, record.get("attempt", 0)
        since = began.setdefault(attempt, entry.at)
        if not record.get("latched") or not harmless(record.get("revision", "")):
            continue
        if _failures_are_hidden(world, entry.ref, since, entry.at):
            continue
        if status["progress"].get("reason") == "GuardrailBreached" and attempt not in blamed:
            blamed.add(attempt)
            said = status["progress"]["message"]
            if not _by_chance(world, entry, said):
                yield Violation(entry.at, f"{record['revision']} of {entry.ref} is rolled back: {said}")


def _by_chance(world: World, blame: Stored, said: str) -> bool:
    """Whether whoever was first to blame it was a test, and had bad luck."""
    looks = (look for look in world.history.of(Judged) if look.ref == blame.ref and look.at <= blame.at)
    tested = (look for look in looks if look.guardrail.sequential and look.measurement.verdict is Verdict.BREACH)
    first = next((look for look in tested if look.measurement.message in said), None)
    return first is not None and by_chance(world, first)


def _failures_are_hidden(world: World, ref: Ref, since: float, at: float) -> bool:
    """Whether nobody could see what had failed: a series that comes to light with it later looks like a new one.

    That was when the attempt began; or later, where none had failed before that.
    """
    counters = world.prometheus.app(ref.name).counters
    for step in world.plan.steps:
        if step.act == "silence" and step.value[0] == Series.FAILURES.name:  # type: ignore[index]  # a silence's value
            end = step.at + step.value[1]  # type: ignore[index]  # a silence's value
            if step.at <= since <= end or (since <= end <= at and counters.failures_came_to_light(end)):
                return True
    return False
