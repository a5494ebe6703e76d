"""What the stand-in shows: rollouts in every state, one with every kind of guardrail, and the five figures."""

import math
import time
from typing import Any, NamedTuple

Json = dict[str, Any]

HTML = "<img src=x onerror=window.ran=1><script>window.ran=1</script>"
"""What must never run, wherever a stranger may write it."""


def now(ago: float = 0) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - ago))


STATES = (
    ("Progressing", "well", False, "time"),
    ("Completed", "well", True, ""),
    ("AwaitingApproval", "waiting", False, "approval"),
    ("GuardrailsUnknown", "waiting", False, "score"),
    ("GuardrailBreached", "bad", False, "a person"),
)
MESSAGES = {
    "Progressing": "all is well: stage expansion (30 %) was healthy for 3 h of 14 d, and full (100 %) follows in 13 d",
    "Completed": "the last stage is served, and all is well",
    "AwaitingApproval": "stage expansion (30 %) is served, and full (100 %) waits for a person's word",
    "GuardrailsUnknown": "evidence is missing for full (100 %): Prometheus has no sample of ml_dispatch_score younger "
    "than 5 min",
    "GuardrailBreached": "error-rate was 0.071, above 0.05, at 30 %: everybody was taken out of treatment",
}


def line(index: int, **changes: Any) -> Json:
    """The line of a rollout; which state it is in comes from its index."""
    state = (0, 0, 0, 1, 1, 0, 1, 0, 2, 3)[index % 10] if index % 97 else 4
    phase, tone, ready, waits = STATES[state]
    percentage = {"Completed": 100, "GuardrailBreached": 0}.get(phase, (10, 30)[index % 2])
    return {
        "namespace": f"team-{index % 7}",
        "name": f"ml-dispatch-{index:04}",
        "uid": f"uid-{index}",
        "phase": phase,
        "tone": tone,
        "percentage": percentage,
        "asked": percentage,
        "stages": stages(percentage),
        "stage": {10: "pilot", 30: "expansion", 100: "full"}.get(percentage),
        "revision": f"ranker-{index}",
        "attempt": 1,
        "ready": ready,
        "rolledBack": phase == "GuardrailBreached",
        "reason": phase,
        "message": MESSAGES[phase],
        "waitingFor": waits,
        "worst": {
            "name": "error-rate",
            "verdict": {"GuardrailBreached": "Breach", "GuardrailsUnknown": "NoData"}.get(phase, "Pass"),
            "value": None if phase == "GuardrailsUnknown" else 0.071 if phase == "GuardrailBreached" else 0.0123,
            "limit": 0.05,
            "bound": "max",
        },
        "since": now(7200),
        "updatedAt": now(20),
        "can": ["rollback"],
        **changes,
    }


def stages(percentage: int) -> list[Json]:
    places = ((10, "pilot"), (30, "expansion"), (100, "full"))
    return [
        {
            "name": name,
            "percentage": at,
            "place": "behind" if at < percentage else "here" if at == percentage else "ahead",
            "share": 1 if at < percentage else 0.4 if at == percentage else 0,
        }
        for at, name in places
    ]


SITUATION = {"uid": "uid-1", "generation": 1, "attempt": 1, "stage": "expansion", "step": 5, "waiting": ""}


def detail(**changes: Any) -> Json:
    """One rollout in its second stage, with every kind of guardrail."""
    base = line(1, name="ml-dispatch", namespace="dispatch", message=MESSAGES["Progressing"])
    return {
        **base,
        "stages": [
            {**stage, "duration": 1_209_600, "served": 10_800 if stage["place"] == "here" else None, "manual": False}
            | {"entered": None, "left": None}
            for stage in stages(30)
        ],
        "waiting": "",
        "todo": "",
        "advised": None,
        "traffic": "",
        "contested": "",
        "holdback": 5,
        "key": "ml_dispatch:rollout_percentage",
        "can": ["rollback", "promote", "demote", "pause"],
        "offers": [
            {"verb": "rollback", "means": "traffic goes to 0 %, and stays there until a retry or a new revision"},
            {"verb": "demote", "means": "back to stage pilot at 10 % at once, to be earned again from there"},
        ],
        "situation": SITUATION,
        "guardrails": [
            guardrail("error-rate", "rate", limit=0.05, interval=[0.008, 0.021], eValue=1.4, eBound=20, proven=True),
            guardrail("score", "query", action="Alert", value=0.72, bound="min", limit=0.6, samples=50),
            guardrail("response-time", "compare", value=1.31, bound="ratio", limit=1.2, eValue=14.2, eBound=20)
            | {"verdict": "Breach", "interval": [1.12, 1.49], "estimate": 1.31, "action": "Hold"},
            guardrail("success-rate", "query", value=None, verdict="NoData", at=None, samples=None, recent=[])
            | {"message": "Prometheus knows no series ml_dispatch_total: is the application scraped?"},
        ],
        "conditions": [],
        "history": [
            step(1, 90_000, "AttemptStarted", 0, 0, "attempt 1 of revision ranker-1 begins"),
            step(2, 86_400, "StageAdvanced", 0, 10, "stage pilot (10 %) is entered: every source answers"),
            step(3, 60_000, "StageAdvanced", 10, 30, "stage expansion: error-rate 0.0118 (limit 0.05, 8 921 samples)"),
            step(4, 50_000, "Demoted", 30, 10, "(complaints by ops over HTTP) back to stage pilot", by="ops")
            | {"warning": True},
            step(5, 10_800, "StageAdvanced", 10, 30, "stage expansion: error-rate 0.0121 (limit 0.05, 12 034 samples)"),
        ],
        **changes,
    }


def guardrail(name: str, kind: str, **changes: Any) -> Json:
    wave = [0.012 + 0.004 * math.sin(index) for index in range(16)]
    return {
        "name": name,
        "kind": kind,
        "action": "Rollback",
        "verdict": "Pass",
        "value": 0.0123,
        "bound": "max",
        "limit": 0.05,
        "message": f"{name} is within its limit",
        "at": now(12),
        "window": 300,
        "samples": 12_034,
        "recent": [{"value": value, "breached": False} for value in wave],
        "estimate": 0.0123,
        "interval": None,
        "eValue": None,
        "eBound": None,
        "proven": False,
        **changes,
    }


def step(serial: int, ago: float, reason: str, was: int, to: int, message: str, *, by: str | None = None) -> Json:
    told = {"serial": serial, "at": now(ago), "reason": reason, "message": message, "by": by, "warning": False}
    return {**told, "attempt": 1, "revision": "ranker-1", "stage": "", "from": was, "to": to}


class Sampled(NamedTuple):
    """A figure: its names, its target, what it is in each group, and how much it swings."""

    key: str
    en: str
    ko: str
    unit: str
    op: str
    aim: float
    treatment: float | None
    control: float | None
    swing: float


FIGURES = (
    Sampled("success_rate", "ML success rate", "ML 성공률", "%", ">=", 95, 97.3, 96.8, 1),
    Sampled("average_score", "Average score", "평균 점수", "", ">=", 0.7, 0.741, 0.69, 0.03),
    Sampled("response_time", "Response time", "응답 시간", "s", "<", 2, 0.84, 1.2, 0.2),
    Sampled("error_rate", "Error rate", "오류율", "%", "<", 1, 1.31, 0.42, 0.3),
    Sampled("satisfaction", "User satisfaction", "사용자 만족도", "", ">=", 4, None, None, 0),
)
EMPTY_RUN = Sampled("empty_run", "Empty-run distance", "공차 거리", "km", "<=", -20, 8.1, 10.4, 0.5)


def figures(points: int = 60) -> Json:
    """The five, with a gap in their lines, and one of the business."""
    end = int(time.time())
    shown = [_figure(one, end, points) for one in FIGURES]
    empty_run = _figure(EMPTY_RUN, end, points) | {"change": -22.1}
    empty_run["target"]["relative"] = True
    for group in empty_run["groups"].values():
        group["ok"] = None
    track = [(90_000, 0), (86_400, 10), (60_000, 30), (50_000, 10), (10_800, 30), (0, 30)]
    events = [
        (86_400, "StageAdvanced", None, 0, 10),
        (60_000, "StageAdvanced", None, 10, 30),
        (50_000, "Demoted", "ops", 30, 10),
        (10_800, "StageAdvanced", None, 10, 30),
    ]
    percentage = {
        "points": [[end - ago, to] for ago, to in track],
        "events": [
            {"at": end - ago, "reason": reason, "by": by, "from": was, "to": to, "message": reason}
            for ago, reason, by, was, to in events
        ],
    }
    told = {"asOf": now(), "interval": 15, "window": 300, "metrics": "ml_dispatch", "figures": [*shown, empty_run]}
    return {**told, "percentage": percentage}


def _figure(one: Sampled, end: int, points: int) -> Json:
    return {
        "key": one.key,
        "title": {"en": one.en, "ko": one.ko},
        "unit": one.unit,
        "target": {"op": one.op, "value": one.aim, "relative": False},
        "groups": {
            "treatment": _group(one, one.treatment, 0, end, points),
            "control": _group(one, one.control, 2, end, points),
        },
        "change": None,
        "error": None,
    }


def _group(one: Sampled, value: float | None, phase: float, end: int, points: int) -> Json:
    if value is None:
        return {"value": None, "samples": None, "points": [], "ok": None}
    gap = range(points // 3, points // 3 + points // 12)
    series = [
        [end - 60 * (points - index), None if index in gap else value + one.swing * math.sin(index / 5 + phase)]
        for index in range(points)
    ]
    ok = {">=": value >= one.aim, "<": value < one.aim, "<=": True}[one.op]
    return {"value": value, "samples": 12_034, "points": series, "ok": ok}
