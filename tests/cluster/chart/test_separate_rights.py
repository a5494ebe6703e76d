"""Rights of their own to approve and to roll back: what the API server lets through by the chart's policy."""

import json
import uuid
from collections.abc import Iterator, Mapping
from operator import itemgetter
from typing import Any

import pytest
from mlrollout.domain.request import SHOWN, shown

from devstack.control_plane import ControlPlane
from devstack.errors import DevstackError
from devstack.processes import wait_until
from tests.support.helm import render

MANUAL = {"name": "full", "percentage": 100, "duration": "1h", "approval": "Manual"}
KINDS = {"ClusterRole", "Role", "RoleBinding", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}
UP, DOWN = ("approve", "promote", "resume", "retry"), ("rollback", "demote", "pause")
WHO = {
    "nobody": (),
    "responder": ("rollback",),
    "approver": ("approve",),
    "editor": ("edit",),
    "lead": ("edit", "approve"),
}
"""Who is bound to which of the ClusterRoles."""


class Team:
    """A namespace with an object, and people of different rights."""

    def __init__(self, control_plane: ControlPlane) -> None:
        self._control_plane = control_plane
        self.name = f"t-{uuid.uuid4().hex[:8]}"
        values = {"rbac": {"separateRights": True}, "watchNamespace": self.name}
        release = f"r-{uuid.uuid4().hex[:8]}"
        manifests = render(values, release=release)
        self.operator = f"system:serviceaccount:mlrollout-system:{release}-mlrollout"
        self._installed = [
            one
            for one in manifests
            if one["kind"] in KINDS and one["metadata"].get("namespace", self.name) == self.name
        ]
        control_plane.kubectl("create", "namespace", self.name)
        self.apply(*self._installed)
        (policy,) = (one for one in manifests if one["kind"] == "ValidatingAdmissionPolicy")
        prefix = policy["metadata"]["name"].removesuffix("rights")
        self.apply(*(self._binding(who, prefix + role) for who, roles in WHO.items() for role in roles))
        self.apply(self._binding("nobody", self._annotators()))
        self.apply(self.rollout())
        # A policy counts a moment after it was made. What is asked differs each time: once let through, the same again
        # would change nothing, and nothing is what anybody may do.
        wait_until(
            lambda: self.refused("nobody", "annotate", "--overwrite", f"x={uuid.uuid4()}"), within=30, what="the policy"
        )

    def _annotators(self) -> str:
        """A role that lets patch, and nothing of the chart's: what would be enough without the policy."""
        name = f"{self.name}-patch"
        rule = {"apiGroups": ["mlrollout.dev"], "resources": ["mlrollouts"], "verbs": ["get", "patch"]}
        role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole"}
        self._installed.append({**role, "metadata": {"name": name}, "rules": [rule]})
        self.apply(self._installed[-1])
        return name

    def _binding(self, who: str, role: str) -> dict[str, Any]:
        group = "rbac.authorization.k8s.io"
        return {
            "apiVersion": f"{group}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": f"{who}-{role}", "namespace": self.name},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
            "subjects": [{"kind": "User", "apiGroup": group, "name": who}],
        }

    def rollout(self, **changes: Any) -> dict[str, Any]:
        stages = [{"name": "pilot", "percentage": 10, "duration": "1h"}, MANUAL]
        spec = {
            "revision": "1",
            "traffic": {"key": f"{self.name}:percentage"},
            "stages": stages,
            "guardrails": [{"name": "errors", "query": "max(errors)", "max": 0.05}],
            **changes,
        }
        metadata = {"name": "ml-dispatch", "namespace": self.name}
        return {"apiVersion": "mlrollout.dev/v1alpha1", "kind": "MLRollout", "metadata": metadata, "spec": spec}

    def apply(self, *manifests: Mapping[str, Any]) -> None:
        """As the administrator."""
        self._control_plane.apply("\n---\n".join(map(json.dumps, manifests)))

    def replace(self, **changes: Any) -> None:
        """The object as it is made, but for these changes of its spec, by the administrator."""
        manifest = self.rollout(**changes)
        spec = {field: value for field, value in manifest["spec"].items() if value is not None}
        self._control_plane.kubectl("replace", "-f", "-", input=json.dumps({**manifest, "spec": spec}))

    def reports(self, **status: Any) -> None:
        """What the operator writes into the status."""
        arguments = ("--subresource=status", "--type=merge", "-p", json.dumps({"status": status}))
        self._control_plane.kubectl("-n", self.name, "patch", "mlr", "ml-dispatch", *arguments)

    def does(self, who: str, verb: str, *arguments: str) -> str:
        """What kubectl prints when somebody annotates, labels or patches."""
        return self._control_plane.kubectl("-n", self.name, f"--as={who}", verb, "mlr", "ml-dispatch", *arguments)

    def refused(self, who: str, verb: str, *arguments: str) -> str:
        """Why somebody may not; empty where they may."""
        try:
            self.does(who, verb, *arguments)
        except DevstackError as error:
            return str(error)
        return ""

    def edits(self, who: str, **changes: Any) -> str:
        """Why somebody may not change the spec; empty where they may."""
        return self.refused(who, "patch", "--type=merge", "-p", json.dumps({"spec": changes}))

    def asks(self, who: str, *verbs: str, why: str = "because") -> str:
        """Why somebody may not ask for verbs; empty where they may. The operator has taken them away afterwards."""
        said = self.refused(who, "annotate", *(f"mlrollout.dev/{verb}={why}" for verb in verbs))
        self._control_plane.kubectl(
            *("-n", self.name, "annotate", "mlr", "ml-dispatch"), *(f"mlrollout.dev/{verb}-" for verb in verbs)
        )
        return said

    def remove(self) -> None:
        """Take away what is of no namespace."""
        self._control_plane.kubectl("delete", "-f", "-", input="\n---\n".join(map(json.dumps, self._installed)))


@pytest.fixture(scope="module")
def team(control_plane: ControlPlane) -> Iterator[Team]:
    made = Team(control_plane)
    yield made
    made.remove()


def test_who_may_roll_back_takes_traffic_down_and_not_up(team: Team) -> None:
    assert team.asks("responder", *DOWN) == ""
    assert team.asks("editor", *DOWN) == "", "taking back what one has rolled out is never in the way"
    for who in ("approver", "nobody"):
        assert f"{who} may not rollback, demote, pause: that takes the verb rollback" in team.asks(who, *DOWN)


def test_who_may_approve_takes_traffic_up_and_an_editor_may_not(team: Team) -> None:
    assert team.asks("approver", *UP) == ""
    assert team.asks("lead", *UP) == ""
    for who in ("responder", "editor", "nobody"):
        said = team.asks(who, *UP)
        assert f"{who} may not approve, promote, resume, retry: that takes the verb approve" in said
        assert "-approve gives" in said, "it says what to ask for"


def test_who_may_ask_for_verbs_alone_changes_nothing_else(team: Team) -> None:
    for who in ("responder", "approver"):
        for said in (
            team.edits(who, revision="2"),
            team.refused(who, "label", "a=b"),
            team.refused(who, "annotate", "argocd.argoproj.io/sync-wave=1"),
            team.refused(who, "patch", "--type=merge", "-p", '{"metadata":{"finalizers":["a.example/b"]}}'),
        ):
            assert f"{who} may ask for verbs and change nothing else" in said


def test_an_editor_edits_and_does_not_approve_by_editing(team: Team) -> None:
    automatic = team.rollout()["spec"]["stages"]
    automatic[1] = automatic[1] | {"approval": "Automatic"}
    renamed = [automatic[0], {**automatic[1], "name": "everybody"}]

    assert team.edits("editor", stages=[{**team.rollout()["spec"]["stages"][0], "duration": "2h"}, MANUAL]) == ""
    for stages in (automatic, renamed, automatic[:1]):
        assert "editor may not take an approval out of a revision that is under way" in team.edits(
            "editor", stages=stages
        )
    assert team.edits("editor", stages=automatic, revision="2") == "", "a new revision begins anew"
    team.apply(team.rollout())
    assert team.edits("lead", stages=automatic) == ""
    team.apply(team.rollout())


Percentages = dict[str, int | str]


def _stages(percentages: Percentages) -> list[dict[str, Any]]:
    """Stages by their names, in order; one whose percentage ends in `M` needs an approval."""
    stages = [
        {
            "name": name,
            "percentage": int(str(percentage).removesuffix("M")),
            "duration": "1h",
            "approval": "Manual" if str(percentage).endswith("M") else "Automatic",
        }
        for name, percentage in percentages.items()
    ]
    return sorted(stages, key=itemgetter("percentage"))


GATED: Percentages = {"pilot": 10, "expansion": "30M", "growth": 50, "full": "100M"}
PAST_AN_APPROVAL: Mapping[str, Percentages] = {
    "a stage in front of an approval": {**GATED, "most": 99},
    "one that asks for an approval of its own": {**GATED, "most": "99M"},
    "a stage that grows": {**GATED, "growth": 99},
    "the first stage, which is raised at once": {"pilot": 99, "expansion": "30M", "full": "100M"},
    "one in front of the first approval": {"pilot": 10, "early": 29, "expansion": "30M", "full": "100M"},
    "more by an approval that may be given already": {**GATED, "expansion": "49M"},
    "an approval that is behind already": {"full": "5M", "pilot": 10, "expansion": "30M", "growth": 50, "most": 100},
    "one that the rollout stands at": {**GATED, "full": "50M", "growth": 49, "most": 100},
}
HARMLESS: Mapping[str, Percentages] = {
    "less": {**GATED, "pilot": 5, "growth": 40},
    "a stage more on the way": {**GATED, "more": 45},
    "a stage less": {"expansion": "30M", "full": "100M"},
    "an approval more": {**GATED, "growth": "50M"},
    "an earlier approval": {**GATED, "expansion": "20M", "full": "80M"},
    "what comes behind the last approval": {**GATED, "full": "60M", "most": 100},
}


def test_an_editor_does_not_go_past_an_approval_by_editing_what_stands_in_front_of_it(team: Team) -> None:
    for how, stages in PAST_AN_APPROVAL.items():
        team.replace(stages=_stages(GATED))
        assert "editor may not ask for more in front of an approval" in team.edits("editor", stages=_stages(stages)), (
            how
        )
    for how, stages in HARMLESS.items():
        team.replace(stages=_stages(GATED))
        assert team.edits("editor", stages=_stages(stages)) == "", how
    team.replace(stages=_stages(GATED))
    assert team.edits("lead", stages=_stages(GATED | {"growth": 99})) == ""
    assert team.edits("editor", stages=_stages({"all": 100}), revision="2") == "", "a new revision begins anew"
    team.replace()


def test_an_editor_does_not_drop_an_approval_by_naming_the_same_revision_in_another_way(team: Team) -> None:
    source = {"configMap": {"name": "models", "key": "dispatch"}}
    record = {"attempt": 1, "latched": False, "sequence": 1, "percentage": 10, "revision": "7", "stage": "pilot"}
    free, said = _stages({"all": 100}), "editor may not take an approval out of a revision that is under way"

    assert said in team.edits("editor", stages=free, revision=None, revisionFrom=source), "it may name the same one"
    team.replace(revision=None, revisionFrom=source)
    assert said in team.edits("editor", stages=free)
    team.reports(record=record)
    assert said in team.edits("editor", stages=free, revision="7", revisionFrom=None), "it is the one that has users"
    assert team.edits("editor", stages=free, revision="8", revisionFrom=None) == ""
    team.replace(revision="8", stages=free)
    back = team.edits("editor", stages=free, revision="7")
    assert "editor may not go back to the revision that has users" in back, "which approvals it had, nobody knows"
    back = team.edits("editor", stages=free, revision=None, revisionFrom=source)
    assert "editor may not go back to the revision that has users" in back, "while a source says nothing, it goes on"
    assert team.edits("editor", stages=free, revision="9") == ""
    assert team.edits("lead", stages=free, revision=None, revisionFrom=source) == ""
    team.reports(record=record | {"revision": "9"})
    team.replace(revision="9", stages=free)
    assert team.edits("editor", revision=None, revisionFrom=source) == "", "what has users, has its approvals still"
    team.reports(record=record)
    team.replace(revision="8", stages=free)
    assert team.edits("lead", stages=free, revision="7") == ""
    team.replace()
    assert said in team.edits("editor", stages=free, revision="7"), "taken back before anything came of it"
    team.reports(record=None)


def test_the_greatest_object_is_not_too_much_for_the_policy(team: Team) -> None:
    """What a policy may take is bounded, and what takes more is refused: nobody could edit the object any more."""
    greatest = _stages({f"s{one}-{'x' * 59}": f"{one}M" for one in range(32)})
    team.replace(stages=greatest)
    assert team.edits("editor", stages=[{**stage, "duration": "2h"} for stage in greatest]) == ""
    assert team.asks("responder", "rollback", why="complaints " * 10_000) == ""
    team.replace()


FORGED = (
    "complaints (by kim)",
    "(by responder) (by kim) ",
    *(f"complaints (by{blank}kim){blank}" for blank in ("\u00a0", "\u3000", "\u200b", "\n")),
    "bad (by kim) .",
    "bad (by kim over HTTP at 2026-11-23T09:30:00.250Z)",
    "bad (\u200bBy kim)",
    "by kim",
    "\u00a0by\u00a0kim; too many complaints",
    "10 by kim",
    "10 % by kim",
    "complaints: by kim",
    "by responder; or rather: by kim",
    "by responders",
    "(by responder2)",
    f"(by kim) {'x' * 250} (by responder)",  # of which the operator would keep the beginning
)


def test_what_the_policy_takes_for_kept_is_what_the_operator_keeps() -> None:
    kept = f"(by kim) {'x' * 300}"[: SHOWN - len(" (by responder)")] + " (by responder)"
    assert shown(kept) == kept
    assert len(kept) == SHOWN == 256


def test_nobody_signs_for_somebody_else(team: Team) -> None:
    passed = [
        why for why in FORGED if "may not sign for somebody else" not in team.asks("responder", "rollback", why=why)
    ]
    assert passed == []


def test_everybody_may_sign_as_themselves_and_need_not_sign(team: Team) -> None:
    at = "[dashboard 2026-11-26T11:44:59.645Z]"
    for why in (
        *("complaints (by responder)", f"complaints {at} (by responder)", "10 complaints (by responder)"),
        *("errors up (by 7 %) (by responder)", "By mistake (by responder)", "p95 worse: by 300 ms (by responder)"),
        *("by responder", "10 by responder", "complaints", "customers complain by phone (at night, too)"),
    ):
        assert team.asks("responder", "rollback", why=why) == "", why


def test_nothing_is_in_the_operator_s_way(team: Team) -> None:
    """It takes verbs away that it has heard, and keeps its finalizer, by the rights that the chart gives it."""
    team.does("responder", "annotate", "mlrollout.dev/rollback=because")
    assert "may not rollback" in team.refused("approver", "annotate", "mlrollout.dev/rollback-")
    assert team.refused(team.operator, "annotate", "mlrollout.dev/rollback-", "mlrollout.dev/removed=x") == ""
    finalizer = '{"metadata":{"finalizers":["mlrollout.dev/traffic"]}}'
    assert team.refused(team.operator, "patch", "--type=merge", "-p", finalizer) == ""
    assert team.refused(team.operator, "patch", "--type=merge", "-p", '{"metadata":{"finalizers":null}}') == ""
