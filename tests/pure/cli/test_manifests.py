"""Which objects a file holds, and what is told of a file that holds none, or too many, or a key twice."""

import re
from pathlib import Path

import pytest
from mlrollout.cli.auditing.blocks import NotFetchedError, saved
from mlrollout.cli.authoring.lines import line
from mlrollout.cli.authoring.linting import run
from mlrollout.cli.authoring.manifests import UnreadableInputError, manifests, only_spec

ONE = """\
apiVersion: mlrollout.dev/v1alpha1
kind: MLRollout
metadata: {name: NAME}
spec:
  revision: r1
  traffic: {key: k}
  guardrails: [{name: g, query: up, min: 1}]
"""
A, B = ONE.replace("NAME", "a"), ONE.replace("NAME", "b")


def written(folder: Path, text: str) -> str:
    file = folder / "rollout.yaml"
    file.write_text(text)
    return str(file)


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ("", "", "holds no MLRollout: its apiVersion begins with mlrollout.dev/, and its kind is MLRollout"),
        ("", "a", "holds no MLRollout: its apiVersion begins with mlrollout.dev/, and its kind is MLRollout"),
        (f"{A}---\n{B}", "", "holds 2 objects of the kind MLRollout: say by --name which of a, b"),
        (
            "---\n".join(ONE.replace("NAME", f"n{number}") for number in range(7)),
            "",
            "holds 7 objects of the kind MLRollout: say by --name which of n0, n1, n2, n3, n4, …",
        ),
        (f"{A}---\n{A}", "", "holds 2 objects of the kind MLRollout called a: leave one of them"),
        (A, "c", "holds no MLRollout called c; there is a"),
        (f"{A}---\n{B}", "c", "holds no MLRollout called c; there are a, b"),
        (f"{A}---\n{A}", "a", "holds 2 objects of the kind MLRollout called a: leave one of them"),
    ],
    ids=["none", "none of a name", "two", "many", "all of a name", "another", "others", "two of a name"],
)
def test_a_file_without_the_one_object_is_told_by_what_it_holds(
    tmp_path: Path, text: str, name: str, said: str
) -> None:
    file = written(tmp_path, text)
    with pytest.raises(UnreadableInputError) as told:
        only_spec(file, name)
    assert str(told.value) == f"{file} {said}"


def test_a_saved_object_is_one(tmp_path: Path) -> None:
    for text, said in (("", "holds no MLRollout: save one"), (f"{A}---\n{B}", "holds 2 objects of the kind MLRollout")):
        with pytest.raises(NotFetchedError, match=said):
            saved(written(tmp_path, text))


TWICE = {
    "in the object": (f"{A}spec: {{}}\n", "spec", "line 4 and on line 8"),
    "deep in it": (A.replace("min: 1", "min: 1, min: 2"), "min", "line 7"),
    "in a list": (f"kind: List\nitems: []\nitems:\n- {{kind: MLRollout, kind: x}}\n---\n{A}", "items", "line 2 and on"),
    "in another kind": (f"kind: ConfigMap\nkind: Secret\n---\n{A}", "kind", "line 1 and on line 2"),
    "in a later one": (f"{A}---\nkind: ConfigMap\ndata: {{a: b,\n a: b}}\n", "a", "line 10 and on line 11"),
}


@pytest.mark.parametrize(("text", "key", "lines"), TWICE.values(), ids=TWICE.keys())
def test_a_key_that_stands_twice_is_refused_by_every_command_alike(
    tmp_path: Path, text: str, key: str, lines: str
) -> None:
    file = written(tmp_path, text)
    said = f"^{file}: the key {key} stands twice in one mapping, on {lines}"
    for read in (only_spec, saved, lambda one: run([one], None)):
        with pytest.raises((UnreadableInputError, NotFetchedError), match=said):
            read(file)


def test_a_key_in_two_mappings_or_beside_what_is_merged_stands_once(tmp_path: Path) -> None:
    merged = A.replace(
        "metadata: {name: a}", "metadata: &m {name: a}\nx: [*m, *m, {<<: *m, name: b}, {? [a] : 1, ? [a] : 2}]"
    )
    with pytest.raises(UnreadableInputError, match="is no YAML: while constructing a mapping"):
        manifests(written(tmp_path, merged))
    (found,) = manifests(written(tmp_path, merged.replace(", {? [a] : 1, ? [a] : 2}", "")))
    assert found.found["x"][2] == {"name": "b"}


ANCHORS = "  b0: &b0 [a]\n" + "".join(f"  b{n}: &b{n} [{', '.join([f'*b{n - 1}'] * 10)}]\n" for n in range(1, 1000))


@pytest.mark.parametrize(
    "more",
    [
        ANCHORS,
        "  b0: &b0 {a: 1}\n" + "".join(f"  b{n}: &b{n} {{<<: [{f'*b{n - 1},' * 9}]}}\n" for n in range(1, 8)),
        "  b: &b [*b]\n",
    ],
    ids=["lists", "merged mappings", "itself"],
)
def test_aliases_of_aliases_that_would_fill_the_memory_are_refused(tmp_path: Path, more: str) -> None:
    file = written(tmp_path, A + more)
    with pytest.raises(UnreadableInputError, match=re.escape("becomes too large where its aliases (*NAME) are")):
        manifests(file)


def test_an_alias_that_stands_for_something_else_is_as_good_as_that(tmp_path: Path) -> None:
    text = A.replace("traffic: {key: k}", "traffic: &t {key: k}\n  other: *t\n  third: {<<: *t}")
    (found,) = manifests(written(tmp_path, text))
    assert found.found["spec"]["other"] == found.found["spec"]["third"] == {"key": "k"}


def test_a_field_stands_on_the_line_that_counts(tmp_path: Path) -> None:
    text = f"{A.split('spec:', maxsplit=1)[0]}x: &m {{revision: a}}\nspec:\n  <<: *m\n  revision: 5\n"
    (found,) = manifests(written(tmp_path, text))
    assert (found.found["spec"], line(found.node, "revision")) == ({"revision": 5}, 7)


LISTED = "- metadata: {name: NAME}\n  spec: {revision: r1}\n"


@pytest.mark.parametrize("kind", ["List", "MLRolloutList"])
def test_the_objects_in_a_list_of_any_kind_are_found(tmp_path: Path, kind: str) -> None:
    items = "".join(f"- {one.strip()}\n".replace("\n", "\n  ").rstrip() + "\n" for one in (A, B))
    text = f"apiVersion: mlrollout.dev/v1alpha1\nkind: {kind}\nitems:\n{items}"
    assert [one.name for one in manifests(written(tmp_path, text))] == ["a", "b"]


def test_an_item_that_names_no_kind_is_of_its_lists_kind(tmp_path: Path) -> None:
    head = "apiVersion: mlrollout.dev/v1alpha1\nkind: MLRolloutList\nitems:\n"
    (found,) = manifests(written(tmp_path, head + LISTED.replace("NAME", "c")))
    assert (found.name, found.found["kind"]) == ("c", "MLRollout")
    assert manifests(written(tmp_path, (head + LISTED).replace("MLRollout", "Pod"))) == []
