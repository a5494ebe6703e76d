"""`mlrollout notify test`: people know before the night whether they would be told."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from mlrollout.api.notification import Topic

from tests.components.cli.test_cli import DONE, WRONG, mlrollout
from tests.support.inbox import Inbox, inbox

FAILED = 1
ONE = "receivers: [{{name: a, url: 'slack://a'}}]"


@pytest.fixture
def sink() -> Iterator[Inbox]:
    with inbox() as box:
        yield box


def config(home: Path, text: str) -> str:
    file = home / "notifications.yaml"
    file.write_text(text)
    return str(file)


def url(sink: Inbox, status: int) -> str:
    return sink.url(f"/{status}")


def test_it_sends_one_of_each_to_each_and_says_what_arrived(tmp_path: Path, sink: Inbox) -> None:
    file = config(
        tmp_path,
        f"cluster: eu-1\nreceivers: [{{name: good, url: '{url(sink, 204)}'}}, {{name: bad, url: '{url(sink, 500)}'}}]",
    )
    ran = mlrollout(tmp_path, "notify", "test", "-f", file)
    assert (ran.returncode, ran.stderr) == (FAILED, "")
    lines = ran.stdout.splitlines()
    assert sorted(lines) == [
        "bad: AttemptStarted did not arrive: it answered with HTTP 500 (7 more not tried)",
        f"good: {', '.join(Topic)} arrived",
    ]
    assert len(sink.got) == 9
    assert {event["data"]["test"] for event in sink.got} == {True}
    assert all(event["data"]["title"].startswith("[test] [eu-1] example/notify-test ") for event in sink.got)
    assert len({event["id"] for event in sink.got}) == 8


def test_who_refuses_messages_is_sent_the_next_and_what_became_of_them_is_one_line(tmp_path: Path, sink: Inbox) -> None:
    file = config(tmp_path, f"receivers: [{{name: a, url: '{url(sink, 422)}'}}]")
    ran = mlrollout(tmp_path, "notify", "test", "--topic", "Alert", "--topic", "RolledBack", "-f", file)
    assert (ran.returncode, ran.stdout) == (FAILED, "a: Alert, RolledBack did not arrive: it answered with HTTP 422\n")
    assert len(sink.got) == 2


def test_it_sends_what_is_asked_for_to_whom_is_asked_for(tmp_path: Path, sink: Inbox) -> None:
    file = config(tmp_path, f"receivers: [{{name: a, url: '{url(sink, 200)}'}}, {{name: b, url: '{url(sink, 200)}'}}]")
    ran = mlrollout(tmp_path, "notify", "test", "b", "--topic", "Alert", MLROLLOUT_NOTIFICATIONS_FILE=file)
    assert (ran.returncode, ran.stdout) == (DONE, "b: Alert arrived\n")
    (event,) = sink.got
    assert event["type"] == "dev.mlrollout.Alert"


def test_it_tries_what_is_to_stand_in_a_secret(tmp_path: Path, sink: Inbox) -> None:
    file = config(tmp_path, f"{url(sink, 200)}\n")
    ran = mlrollout(tmp_path, "notify", "test", "--address", file, "--topic", "RolledBack")
    assert (ran.returncode, ran.stdout) == (DONE, "the address: RolledBack arrived\n")


def test_it_says_which_template_is_broken(tmp_path: Path, sink: Inbox) -> None:
    file = config(
        tmp_path,
        f"receivers: [{{name: a, url: '{url(sink, 200)}'}}]\ntemplates: {{Alert: {{title: '{{{{ oops }}}}'}}}}",
    )
    ran = mlrollout(tmp_path, "notify", "test", "-f", file, "--topic", "Alert")
    assert ran.returncode == FAILED
    assert ran.stdout.splitlines() == ["the template for Alert can't be used: 'oops' is undefined", "a: Alert arrived"]
    assert "The template for Alert can't be used" in sink.got[0]["data"]["text"]


@pytest.mark.parametrize(
    ("arguments", "text", "said"),
    [
        ((), "", "name the file of notifications with --file, or what a Secret holds with --address"),
        (("-f", "{file}"), "receivers: 5", "{file} can't be used: receivers is no list"),
        (("-f", "/nowhere"), "", "/nowhere can't be read (No such file or directory)"),
        (("-f", "{file}"), "", "there is no receiver in {file}"),
        (
            ("x", "-f", "{file}"),
            ONE,
            "there is no receiver x in {file}; there are: a",
        ),
        (("--address", "{file}"), "s3cret", "{file} can't be used: it is neither a URL nor YAML"),
        (
            ("-f", "{file}", "--topic", "Rollback"),
            ONE,
            "there is no such topic among Rollback",
        ),
    ],
)
def test_what_can_not_be_used_is_told_in_one_line(
    tmp_path: Path, arguments: tuple[str, ...], text: str, said: str
) -> None:
    file = config(tmp_path, text.format())
    ran = mlrollout(tmp_path, "notify", "test", *(argument.format(file=file) for argument in arguments))
    assert (ran.returncode, ran.stdout) == (WRONG, "")
    assert ran.stderr.startswith(f"mlrollout notify test: {said.format(file=file)}")
    assert ran.stderr.count("\n") == 1
    assert "s3cret" not in ran.stderr


def test_alone_it_says_what_there_is(tmp_path: Path) -> None:
    ran = mlrollout(tmp_path, "notify")
    assert "test" in ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.returncode == WRONG
