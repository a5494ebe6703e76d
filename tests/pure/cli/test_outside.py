"""What `mlrollout lint` finds outside of the spec: an API server would refuse it, or it does harm."""

from pathlib import Path

import pytest
from mlrollout.cli.authoring.linting import as_github, is_wrong, run
from mlrollout.lint.finding import Level

SPEC = (
    "spec: {revision: r1, traffic: {key: k}, guardrails: [{name: g, rate: {bad: 'e{s=\"f\"}', all: e, max: 0.05}}]}\n"
)
HEAD = "apiVersion: mlrollout.dev/v1alpha1\nkind: MLRollout\n"


def told(folder: Path, *manifests: str) -> list[str]:
    """What is found in manifests, each in a file of its own."""
    files = []
    for number, manifest in enumerate(manifests):
        files.append(folder / f"{number}.yaml")
        files[-1].write_text(manifest)
    found = run([str(file) for file in files], None)
    return [f"{finding.level}: {finding}" for one in found for finding in one.findings]


FINE = {
    "a name": "{name: a.b-c}",
    "of a digit": "{name: '5', namespace: b, labels: {5: c}}",
    "generated": "{generateName: ml-}",
    "nulls": "{name: a, namespace: ~, labels: , annotations: {}}",
    "as it was read": "{name: a, uid: u, resourceVersion: '7', creationTimestamp: 2026-11-03T09:30:00Z}",
    "labels": "{name: a, labels: {app.kubernetes.io/name: x_Y.z, e: ''}, annotations: {a.b/C: 'any thing', d: ''}}",
    "the operator's own": "{name: a, annotations: {operator.mlrollout.dev/removed: 'x'}}",
}


@pytest.mark.parametrize("metadata", FINE.values(), ids=FINE.keys())
def test_what_an_api_server_takes_is_not_called_wrong(tmp_path: Path, metadata: str) -> None:
    assert told(tmp_path, f"{HEAD}metadata: {metadata}\n{SPEC}") == []


NO_NAME = "nothing can be called so; write a-z, 0-9"
WRONG = {
    "none": ("", "metadata: it is empty, and has to name the object; write name and namespace"),
    "empty": ("metadata: {}", "metadata: it is empty"),
    "null": ("metadata: ~", "metadata: it is empty"),
    "text": ("metadata: a", "metadata: write it as an object"),
    "no name": ("metadata: {namespace: b}", "metadata.name: it is missing"),
    "empty name": ("metadata: {name: ''}", "metadata.name: it is missing"),
    "capitals": ("metadata: {name: ML_dispatch}", f"metadata.name: {NO_NAME}"),
    "a number": ("metadata: {name: 5}", "metadata.name: write it as text, in quotes"),
    "a space": ("metadata: {name: A b}", f"metadata.name: {NO_NAME}"),
    "a line": ('metadata: {name: "a\\n"}', f"metadata.name: {NO_NAME}"),
    "long": (f"metadata: {{name: {'a' * 254}}}", f"metadata.name: {NO_NAME}"),
    "dot": ("metadata: {name: a..b}", f"metadata.name: {NO_NAME}"),
    "generated": ("metadata: {generateName: ML-}", f"metadata.generateName: {NO_NAME}"),
    "generated of": ("metadata: {generateName: 5}", "metadata.generateName: write it as text"),
    "space of dots": ("metadata: {name: a, namespace: b.c}", f"metadata.namespace: {NO_NAME} and - alone, 63 at most"),
    "space of digits": ("metadata: {name: a, namespace: 7}", "metadata.namespace: write it as text"),
    "long space": (f"metadata: {{name: a, namespace: {'a' * 64}}}", f"metadata.namespace: {NO_NAME}"),
    "a slip": ("metadata: {name: a, lables: {}}", "metadata.lables: there is no such field; did you mean labels?"),
    "labels": ("metadata: {name: a, labels: [a]}", "metadata.labels: write it as an object"),
    "label": ("metadata: {name: a, labels: {a: 5}}", "metadata.labels[a]: write it as text, in quotes"),
    "label's key": ("metadata: {name: a, labels: {a b: c}}", "metadata.labels[a b]: nothing can be called so"),
    "label's domain": ("metadata: {name: a, labels: {/b: c}}", "metadata.labels[/b]: nothing can be called so"),
    "label's null": ("metadata: {name: a, labels: {~: c}}", "metadata.labels[None]: nothing can be called so"),
    "label's yes": ("metadata: {name: a, labels: {canary: y}}", "metadata.labels[canary]: write it as text, in quotes"),
    "space of a word for no": ("metadata: {name: a, namespace: n}", "metadata.namespace: write it as text"),
    "label's value": ("metadata: {name: a, labels: {a: b c}}", "metadata.labels[a]: no label can have that value"),
    "annotation": ("metadata: {name: a, annotations: {a: true}}", "metadata.annotations[a]: write it as text"),
    "at the top": ("metadata: {name: a}\nsepc: {}", "sepc: there is no such field; did you mean spec?"),
}


@pytest.mark.parametrize(("written", "said"), WRONG.values(), ids=WRONG.keys())
def test_what_it_refuses_is_told_once_at_its_field(tmp_path: Path, written: str, said: str) -> None:
    (found,) = told(tmp_path, f"{HEAD}{written}\n{SPEC}")
    assert found.startswith(f"error: {said}")


@pytest.mark.parametrize(
    ("verb", "said"),
    [
        ("retry", "asked for with every apply, so it is ignored; take it out, and ask by kubectl mlrollout retry or"),
        ("rollback", "every attempt is taken to zero, also that of a new revision; take it out"),
    ],
)
def test_a_verb_does_not_belong_in_a_manifest(tmp_path: Path, verb: str, said: str) -> None:
    annotated = f"{HEAD}metadata: {{name: a, annotations: {{mlrollout.dev/{verb}: why}}}}\n{SPEC}"
    (found,) = told(tmp_path, annotated)
    assert found.startswith(f"warning: metadata.annotations[mlrollout.dev/{verb}]: ")
    assert said in found


def test_what_is_taken_for_a_verb_does_nothing(tmp_path: Path) -> None:
    (found,) = told(tmp_path, f"{HEAD}metadata: {{name: a, annotations: {{mlrollout.dev/rolback: why}}}}\n{SPEC}")
    assert found.startswith(
        "warning: metadata.annotations: no verb, and ignored: the annotation mlrollout.dev/rolback;"
    )


def test_the_same_object_twice_is_found_where_it_stands_again(tmp_path: Path) -> None:
    one = f"{HEAD}metadata: {{name: a, namespace: b}}\n{SPEC}"
    alone = "of all that are applied, the last alone stands; leave one, or name them apart"
    same = f"warning: metadata.name: the same object is in {tmp_path / '0.yaml'} already: {alone}"
    assert told(tmp_path, one, one) == [same]
    assert told(tmp_path, f"{one}---\n{one}") == [same]
    assert told(tmp_path, one, one.replace("b}", "c}"), f"{HEAD}metadata: {{generateName: a}}\n{SPEC}") == []
    assert told(tmp_path, *[f"{HEAD}metadata: {{generateName: a}}\n{SPEC}"] * 2) == []
    file = str(tmp_path / "0.yaml")
    assert [len(one.findings) for one in run([file, file], None)] == [0]


def test_each_is_shown_at_its_line(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    annotations = "  annotations:\n    a: b\n    mlrollout.dev/pause: why\n"
    file.write_text(f"{HEAD}metadata:\n  namespace: B\n  name: a\n{annotations}sepc: {{}}\n{SPEC}")
    found = run([str(file)], None)
    lines = [line.partition(",title=")[0].rpartition("line=")[2] for line in as_github(found).splitlines()]
    assert (lines, is_wrong(found)) == (["9", "4", "8"], True)
    assert [finding.level for finding in found[0].findings] == [Level.ERROR, Level.ERROR, Level.WARNING]
