"""What pydantic refuses is told in words of the object: none of its own is left, whatever the object asks for."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mlrollout.api.crd import schema
from mlrollout.api.duration import PATTERN
from mlrollout.cli.authoring.linting import run
from mlrollout.cli.authoring.manifests import UnreadableInputError, only_spec
from mlrollout.plain import FORMS, plain
from mlrollout.replay.document import UnreadableDocumentError, parse
from mlrollout.replay.replay import check_in

PYDANTIC = re.compile(r"Input|String|Tuple|Field|Value error|[Vv]alidation|dictionary|valid (?!URL)|instance of")
RATE = {"bad": 'e_total{s="f"}', "all": "e_total", "max": 0.05}
GUARDRAIL = {"name": "g", "rate": RATE}
SPEC: dict[str, Any] = {"revision": "r1", "traffic": {"key": "k"}, "guardrails": [GUARDRAIL]}
STAGE = {"name": "p", "percentage": 5, "duration": "1h"}


def changed(**fields: Any) -> dict[str, Any]:
    return SPEC | fields


def guarded(**fields: Any) -> dict[str, Any]:
    return changed(guardrails=[GUARDRAIL | fields])


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no traffic": ({"revision": "r", "guardrails": [GUARDRAIL]}, "traffic: it is missing"),
    "no guardrail": (changed(guardrails=[]), "guardrails: it is empty: write one at least"),
    "no stage": (changed(stages=[]), "stages: it is empty: write one at least"),
    "many": (
        changed(notifications=[{"name": f"n{n}", "secretRef": {"name": "s", "key": "k"}} for n in range(9)]),
        "not",
    ),
    "no revision": (changed(revision=""), "revision: it is empty"),
    "long revision": (changed(revision="r" * 254), "revision: it is longer than 253 characters"),
    "no sign": (changed(traffic={"key": "a b"}), "traffic.key: it may have printable ASCII characters alone"),
    "an address": (changed(prometheus={"address": "x"}), "prometheus.address: it is shorter than 8 characters"),
    "another": (changed(prometheus={"address": "ftp://prometheus"}), "prometheus.address: write it with http:// or"),
    "a name": (guarded(name="A"), "guardrails[A].name: it may have a-z, 0-9 and - alone"),
    "an edge": (
        guarded(rate={"histogram": "h_bucket", "above": "x", "max": 0.1}),
        "guardrails[g].rate.above: write it",
    ),
    "a label": (
        changed(guardrails=[{"name": "g", "balance": {"users": "u_total", "group": "1"}}]),
        "guardrails[g].balance.group: it may have letters, digits and _ alone",
    ),
    "a word": (guarded(action="Explode"), "guardrails[g].action: write 'Rollback', "),
    "a share": (changed(stages=[STAGE | {"percentage": 101}]), "stages[p].percentage: it has to be 100 or less"),
    "below": (changed(stages=[STAGE | {"percentage": -1}]), "stages[p].percentage: it has to be 0 or more"),
    "a half": (changed(stages=[STAGE | {"percentage": 1.5}]), "stages[p].percentage: write it as a whole number"),
    "a text": (changed(traffic="k"), "traffic: write it as an object, with fields of its own"),
    "a rule": (changed(revisionFrom={"configMap": {"name": "c", "key": "k"}}), "spec: name the revision, or where it"),
}


def linted(folder: Path, spec: object) -> list[str]:
    file = folder / "rollout.yaml"
    head = {"apiVersion": "mlrollout.dev/v1alpha1", "kind": "MLRollout", "metadata": {"name": "a"}}
    file.write_text(json.dumps(head | {"spec": spec}))
    (found,) = run([str(file)], None)
    with pytest.raises(UnreadableInputError) as told:
        only_spec(str(file))
    assert not PYDANTIC.search(str(told.value).replace(str(file), ""))
    return [str(finding) for finding in found.findings]


@pytest.mark.parametrize(("spec", "said"), WRONG.values(), ids=WRONG.keys())
def test_what_is_refused_of_a_spec_is_told_at_its_field(tmp_path: Path, spec: dict[str, Any], said: str) -> None:
    (found,) = linted(tmp_path, spec)
    assert found.startswith(said)
    assert not PYDANTIC.search(found)


def patterns(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("pattern"), str):
            yield node["pattern"]
        for below in node.values():
            yield from patterns(below)


def test_every_pattern_of_the_object_has_its_words() -> None:
    assert set(patterns(schema()["properties"]["spec"])) - {PATTERN} == set(FORMS)


def test_an_error_that_nobody_knows_keeps_its_own_words() -> None:
    assert plain({"type": "new", "loc": (), "msg": "Input should be new", "input": 1}) == "it should be new"


DOCUMENT: dict[str, Any] = {"format": "mlrollout.dev/blocks/v1", "object": {}, "read": 1.0, "guardrails": []}


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "it is no document of blocks: write it as an object, with fields of its own"),
        ({"read": 1}, "object: it is missing"),
        (DOCUMENT | {"read": -1}, "read: it has to be 0 or more"),
        (DOCUMENT | {"read": "x"}, "read: write it as a number, without quotes"),
        (DOCUMENT | {"guardrails": [7]}, "guardrails.0: write it as an object, with fields of its own"),
        (DOCUMENT | {"format": "x"}, "its format is not mlrollout.dev/blocks/v1, which is all that this version reads"),
    ],
    ids=["a list", "no object", "before time", "no number", "no guardrail", "another format"],
)
def test_what_is_refused_of_a_document_is_told_likewise(document: object, said: str) -> None:
    with pytest.raises(UnreadableDocumentError) as told:
        parse(json.dumps(document).encode())
    assert str(told.value) == said


def test_what_is_refused_of_its_guardrails_is_told_at_its_field() -> None:
    with pytest.raises(UnreadableDocumentError) as told:
        check_in({"name": "g", "rate": {"bad": "b", "all": "a", "max": "x"}})
    assert str(told.value) == "a guardrail can't be read: rate.max: write it as a number, without quotes"
