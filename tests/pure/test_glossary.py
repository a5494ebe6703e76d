"""The glossary and the recipes name modules that there are, and every word that the contract has for a state."""

import re
from enum import StrEnum
from pathlib import Path

import pytest
from mlrollout.api.guardrail import Action
from mlrollout.domain.request import Verb
from mlrollout.evidence.measurement import Verdict

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "operator" / "mlrollout"
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text()
ROWS = [row.split("|")[1:4] for row in re.findall(r"^\| (?!word).*\|$", GLOSSARY, re.MULTILINE)]
RECIPES = (ROOT / "CONTRIBUTING.md").read_text().partition("## Recipes")[2]


def test_the_words_are_sorted_and_each_stands_once() -> None:
    words = [word.strip() for word, _, _ in ROWS]
    assert len(words) > 50
    assert words == sorted(set(words))


@pytest.mark.parametrize(("word", "module"), [(word.strip(), module.strip(" `")) for word, _, module in ROWS])
def test_a_word_lives_where_the_glossary_says(word: str, module: str) -> None:
    file = ROOT / module if module.startswith("tests/") else PACKAGE / module
    text = file.read_text().lower()
    # In code a word is a name or a sentence; of two words the last tells it.
    stems = [one.strip().split()[-1].rstrip("s") for one in word.split(",")]
    assert any(stem in text for stem in stems)


@pytest.mark.parametrize("words", [Verdict, Verb, Action], ids=lambda words: words.__name__)
def test_every_word_that_the_contract_has_is_said(words: type[StrEnum]) -> None:
    said = GLOSSARY.lower().replace(" ", "")
    assert [word.value for word in words if word.value.lower() not in said] == []


def test_the_recipes_name_files_that_there_are() -> None:
    paths = set(re.findall(r"`([a-z_]+(?:/[a-z_]+)+\.(?:py|md))`", RECIPES))
    assert len(paths) > 20
    places = (ROOT, PACKAGE)
    assert [path for path in sorted(paths) if not any((place / path).is_file() for place in places)] == []
