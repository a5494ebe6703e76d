"""Who asks for which verb, by an object's metadata, which anybody may have written."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from mlrollout.domain.annotations import REMOVED, removed, requests, unknown_verbs
from mlrollout.domain.kept import kept

from tests.support.managed_fields import annotated, applied

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
RETRY, ROLLBACK = "mlrollout.dev/retry", "mlrollout.dev/rollback"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def _last_applied(*names: str) -> str:
    return json.dumps({"metadata": {"annotations": dict.fromkeys(names, "x")}})


@given(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")))
def test_words_and_writers_tell_requests_apart(one: str, other: str) -> None:
    def of(text: str, manager: str = "kubectl-annotate", at: float = 0.0) -> str:
        return requests(annotated({}, {RETRY: text}, manager, at))["retry"].id

    assert of(one) == of(one, at=99.0)
    assert of(one) != of(one, "somebody-else")
    assert (of(one) == of(other)) == (one == other)


def test_what_its_writer_does_besides_makes_no_other_request() -> None:
    first = annotated({}, {RETRY: "x"}, at=1.0)
    later = annotated(first, {ROLLBACK: "y", "team": "z"}, at=9.0)
    assert requests(later)["retry"] == requests(first)["retry"]
    assert requests(annotated(later, {RETRY: None})).keys() == {"rollback"}


def test_an_applier_keeps_what_it_applied_until_somebody_sets_other_words() -> None:
    kept = applied({}, {RETRY: "x"}, "argocd")
    assert requests(kept)["retry"].manifest == "argocd"
    assert requests(annotated(kept, {RETRY: "x"}))["retry"].manifest == "argocd"
    assert requests(annotated(kept, {RETRY: "y"}))["retry"].manifest == ""
    assert requests(applied(annotated({}, {RETRY: "x"}), {RETRY: "x"}, "argocd"))["retry"].manifest == "argocd"
    assert requests(applied({}, {RETRY: "x"}, "\x1b[2J" + "m" * 200))["retry"].manifest == "[2J" + "m" * 60
    assert requests(applied({}, {RETRY: "x"}, "\x1b"))["retry"].manifest == "somebody"


def test_so_does_one_that_only_kubectl_knows_of() -> None:
    by_kubectl = annotated({}, {RETRY: "x", LAST_APPLIED: _last_applied(RETRY)}, "kubectl-client-side-apply")
    assert requests(by_kubectl)["retry"].manifest == "kubectl-client-side-apply"
    by_hand = annotated(annotated(by_kubectl, {RETRY: None}), {RETRY: "x"})
    assert requests(by_hand)["retry"].manifest == ""
    other = annotated({}, {RETRY: "x", LAST_APPLIED: _last_applied(ROLLBACK)}, "kubectl-client-side-apply")
    assert requests(other)["retry"].manifest == ""
    unmanaged = {"annotations": {RETRY: "x", LAST_APPLIED: _last_applied(RETRY)}}
    assert requests(unmanaged)["retry"].manifest == "kubectl apply"


@given(st.text() | JSON.map(json.dumps) | JSON.map(lambda found: json.dumps({"metadata": found})))
def test_whatever_stands_in_the_last_applied_manifest_a_verb_is_heard(text: str) -> None:
    found = requests({"annotations": {RETRY: "x", LAST_APPLIED: text}})
    assert found.keys() == {"retry"}


def test_metadata_that_lacks_everything_asks_for_nothing() -> None:
    assert requests({}) == {}
    assert requests({"annotations": None, "managedFields": None}) == {}
    assert requests({"annotations": {RETRY: "x"}, "managedFields": [{}, {"fieldsV1": {"f:metadata": {}}}]})
    assert removed({}) == frozenset()
    assert removed({"annotations": {REMOVED: "one@1 two@2"}}) == {"one@1", "two@2"}


def test_what_is_no_verb_is_told_once_for_all_of_it() -> None:
    assert unknown_verbs({}) == unknown_verbs({"annotations": {RETRY: "x", "team": "y"}}) == ()
    (alert,) = unknown_verbs({"annotations": {f"mlrollout.dev/{name}": "x" for name in "cab"}})
    assert alert.subject == "mlrollout.dev/a, mlrollout.dev/b, mlrollout.dev/c"
    (alert,) = unknown_verbs({"annotations": {f"mlrollout.dev/{name}": "x" for name in "dcab"}})
    assert alert.subject == "mlrollout.dev/a, mlrollout.dev/b, mlrollout.dev/c, …"


@st.composite
def annotated_objects(draw: st.DrawFn) -> dict[str, Any]:
    """An object whose annotations several have written, one after another."""
    metadata: dict[str, Any] = {"name": "n", "namespace": "ns", "uid": "u", "ownerReferences": ["x"]}
    names = [RETRY, ROLLBACK, REMOVED, "mlrollout.dev/other", *(f"mlrollout.dev/x{n}" for n in range(4)), "team"]
    texts = st.sampled_from(["", "x", "y z"])
    for _ in range(draw(st.integers(0, 4))):
        wanted = draw(st.dictionaries(st.sampled_from(names), texts, max_size=3))
        manager = draw(st.sampled_from(["kubectl-annotate", "argocd", "kubectl-client-side-apply"]))
        if draw(st.booleans()):
            metadata = applied(metadata, wanted, manager)
        else:
            of = draw(st.sets(st.sampled_from([RETRY, ROLLBACK, "team"])))
            metadata = annotated(metadata, wanted | {LAST_APPLIED: _last_applied(*of)}, manager)
    return {"kind": "MLRollout", "metadata": metadata, "spec": {"a": 1}, "status": {"b": 2}, "other": 3}


@given(annotated_objects())
def test_what_is_kept_of_an_object_says_the_same(found: dict[str, Any]) -> None:
    less = kept(found)
    for read in (requests, removed, unknown_verbs):
        assert read(less["metadata"]) == read(found["metadata"])
    assert kept(less) == less
    assert less.keys() == {"kind", "metadata", "spec", "status"}
    assert "team" not in less["metadata"]["annotations"]
    assert less["metadata"].keys() == {"name", "namespace", "uid", "annotations", "managedFields"}


def test_large_annotations_are_not_kept() -> None:
    large = {
        "team": "x" * 250_000,
        RETRY: "y" * 250_000,
        LAST_APPLIED: json.dumps({"metadata": {}, "pad": "x" * 250_000}),
    }
    large |= {f"mlrollout.dev/{number}": "x" * 1000 for number in range(250)}
    found = kept({"metadata": annotated({"name": "n"}, large)})
    assert len(json.dumps(found)) < 6000
    assert len(requests(found["metadata"])["retry"].text) == 4096
