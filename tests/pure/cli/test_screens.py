"""Every screen looks as it did, at every width, with and without colour."""

import io

import pytest
from mlrollout.api.recent import looks
from mlrollout.cli.reading.one import to_type
from mlrollout.cli.reading.watching import fitted
from mlrollout.cli.screens import rollouts, status
from mlrollout.cli.screens.columns import Column, lines
from mlrollout.cli.screens.look import DRAWN, FINDINGS, PLAIN, number, signs
from mlrollout.cli.screens.wrap import wrapped
from mlrollout.glance.advice import Advice, advise
from mlrollout.glance.rollout import glance
from rich.console import Console
from rich.text import Text

from tests.pure.cli import golden
from tests.support import dispatch

FILES = golden.files()


@pytest.mark.parametrize("name", FILES)
def test_a_screen_looks_as_it_did(name: str) -> None:
    assert FILES[name] == (golden.FOLDER / name).read_text(), "if this is meant: make generate, and look at them"


def test_no_other_screen_is_kept() -> None:
    assert {file.name for file in golden.FOLDER.iterdir()} == set(FILES)


def test_without_colour_nothing_but_text_is_written() -> None:
    assert "\x1b" not in "".join(text for name, text in FILES.items() if name.endswith(".txt"))


@pytest.mark.parametrize("state", dispatch.STATES)
def test_a_terminal_that_knows_ascii_alone_gets_nothing_else(state: str) -> None:
    assert signs("ascii") is PLAIN
    assert signs("utf-8") is DRAWN
    assert signs("no such encoding") is PLAIN
    seen = glance(dispatch.rollouts()[state], dispatch.NOW)
    advice = advise(seen)
    shown = [
        *status.screen(seen, advice, to_type(seen, advice, None), 80, PLAIN),
        *rollouts.screen([seen], 80, PLAIN, everywhere=True, wide=True),
    ]
    assert "\n".join(line.plain for line in shown).isascii()


@pytest.mark.parametrize("width", range(20, 200, 7))
def test_no_line_is_longer_than_there_is_room(width: int) -> None:
    found = [glance(one, dispatch.NOW) for one in dispatch.rollouts().values()]
    for seen in found:
        for line in status.screen(seen, advise(seen), "kubectl mlrollout retry x -n y", width, DRAWN):
            assert line.cell_len <= width
    if width >= 40:
        assert all(line.cell_len <= width for line in rollouts.screen(found, width, DRAWN, everywhere=True, wide=False))


def _cells(*texts: str) -> list[Text]:
    return [Text(text) for text in texts]


def test_what_matters_least_is_left_out_first() -> None:
    columns = [
        Column("NAME", _cells("ml-dispatch")),
        Column("MORE", _cells("more"), 1),
        Column("SOME", _cells("some"), 5),
    ]
    assert [line.plain for line in lines(columns, 30)] == ["NAME         MORE  SOME", "ml-dispatch  more  some"]
    assert [line.plain for line in lines(columns, 17)] == ["NAME         SOME", "ml-dispatch  some"]
    assert [line.plain for line in lines(columns, 11)] == ["NAME", "ml-dispatch"]


@pytest.mark.parametrize(
    ("height", "shown"),
    [
        (9, "0 1 2 3 4 5 6 "),
        (8, "0 1 2 3 4 5 … and 1 more"),
        (4, "0 1 … and 5 more"),
        (1, "0 … and 6 more"),
    ],
)
def test_what_is_watched_leaves_the_last_line_of_the_window_free(height: int, shown: str) -> None:
    assert " ".join(line.plain for line in fitted([Text(str(one)) for one in range(7)], height, "…")) == shown


def test_names_that_begin_alike_are_cut_so_that_they_can_be_told_apart() -> None:
    names = [Text(f"ranking-of-the-shop-{number}") for number in (17, 23)]
    shown = lines([Column("NAME", names, least=12, middle=True)], 12)
    assert [line.plain for line in shown] == ["NAME", "ranking…p-17", "ranking…p-23"]
    assert lines([Column("NAME", names, least=12, middle=True)], 4)[1].plain == "ra…7"


def test_what_is_long_is_cut_before_anything_is_left_out_as_far_as_that_goes() -> None:
    columns = [Column("NAME", _cells("a-very-long-name"), least=8), Column("SOME", _cells("some"), 5)]
    assert [line.plain for line in lines(columns, 16)] == ["NAME        SOME", "a-very-lo…  some"]
    assert [line.plain for line in lines(columns, 12)] == ["NAME", "a-very-long…"]
    assert [line.plain for line in lines(columns, 2)] == ["NAME", "a-v…"]
    assert [line.plain for line in lines(columns, None)] == ["NAME              SOME", "a-very-long-name  some"]


def test_wide_letters_take_two_cells() -> None:
    columns = [Column("이름", _cells("배차-모델", "b")), Column("N", _cells("1", "2"))]
    assert [line.plain for line in lines(columns, 40)] == ["이름       N", "배차-모델  1", "b          2"]
    assert [line.plain for line in wrapped("배차 모델 배차", 9)] == ["배차 모델", "배차"]


def test_a_column_without_any_text_is_left_out() -> None:
    assert [line.plain for line in lines([Column("A", _cells("x")), Column("B", _cells(""))], 40)] == ["A", "x"]


def test_sentences_are_broken_between_words_and_never_before_per_cent() -> None:
    assert [line.plain for line in wrapped("from 30 % to 0 % now", 9)] == ["from 30 %", "to 0 %", "now"]
    assert [line.plain for line in wrapped("abcdefghij klm", 4)] == ["abcd", "efgh", "ij", "klm"]
    assert [line.plain for line in wrapped("", 4)] == [""]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, ""),
        (0.0, "0"),
        (14890.0, "14890"),
        (0.0142376, "0.01424"),
        (1e9, "1e+09"),
        (2.5e-7, "2.5e-07"),
        (-3.0, "-3"),
    ],
)
def test_numbers_are_short(value: float | None, told: str) -> None:
    assert number(value) == told


@pytest.mark.parametrize(
    ("share", "bar"), [(0.0, "░░░░"), (0.01, "█░░░"), (0.5, "██░░"), (0.99, "███░"), (1.0, "████")]
)
def test_a_bar_is_full_only_where_all_is_served(share: float, bar: str) -> None:
    assert DRAWN.bar(share, 4) == bar


@pytest.mark.parametrize(
    ("recent", "drawn", "plain"),
    [
        ("", "", ""),
        ("3", "▁", "_"),
        ("2 2", "▁▁", "__"),
        ("0 1 0.5", "▁█▅", "_^-"),
        ("0 - 1! - 0.5?", "▁·█·▅", "_?^?-"),
        ("- -", "··", "??"),
        ("!", "·", "?"),
    ],
)
def test_the_last_looks_are_a_line(recent: str, drawn: str, plain: str) -> None:
    assert DRAWN.sparkline(looks(recent)).plain == drawn
    assert PLAIN.sparkline(looks(recent)).plain == plain


def test_breaches_among_the_last_looks_have_their_colour() -> None:
    line = DRAWN.sparkline(looks("1 5! 2"))
    assert [(line.plain[one.start : one.end], one.style) for one in line.spans] == [("█", FINDINGS["Breach"])]


def test_a_reason_that_ends_in_a_full_stop_gets_no_second() -> None:
    seen = glance(dispatch.rollouts()["Redis down"], dispatch.NOW)
    (line, *_) = status.told(seen, Advice("Redis", "it hangs, or the network loses packets."), "", 160)
    assert line.plain == "Why   It hangs, or the network loses packets."


def test_colours_go_where_nobody_wants_them() -> None:
    file = io.StringIO()
    Console(file=file, force_terminal=True, _environ={"NO_COLOR": "1", "TERM": "xterm"}).print(Text("x", "green"))
    assert "32m" not in file.getvalue()
