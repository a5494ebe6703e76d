"""The text is made for a phone at night: what happened, what it means, what to do, the command."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from mlrollout.api.notification import Topic
from mlrollout.domain.notices import Notice
from mlrollout.domain.reason import Reason
from mlrollout.domain.request import Verb
from mlrollout.domain.topics import ONGOING, SEVERITIES, TRANSITIONS
from mlrollout.notify.config import NotificationConfig
from mlrollout.notify.message import MAX_TEXT, MAX_TITLE, About, compose, finished
from mlrollout.notify.samples import sample_notices, sample_object
from mlrollout.notify.wording import wording

NOW = 1_800_000_000.0
NOTIFICATIONS = (Path(__file__).parents[3] / "docs" / "notifications.md").read_text()
ABOUT = About("dispatch", "ml-dispatch", "uid-1", key="ml_dispatch:rollout_percentage")
SAMPLES = {notice.topic: notice for notice in sample_notices(NOW)}
ROLLBACK = replace(SAMPLES[Topic.ROLLED_BACK], seen=NOW - 3)


def test_a_rollback_tells_all_that_somebody_who_is_woken_has_to_know() -> None:
    about = replace(ABOUT, dashboard="https://grafana/d/x")
    message = finished(compose(ROLLBACK, about, wording(ROLLBACK, about)))
    assert message.title == "dispatch/ml-dispatch ROLLED BACK 30 % → 0 %"
    happened, *rest = message.text.splitlines()
    assert happened == (
        "dispatch/ml-dispatch (revision ranker-2): 30 % → 0 %: guardrail errors: 0.071 is above max 0.05 (window 5m, "
        "1240 samples) (seen 2027-01-15T07:59:57Z, at 0 % since 2027-01-15T08:00:00Z)"
    )
    assert rest == [
        "Every user has the old path again; nobody gets revision ranker-2.",
        "Look first: kubectl mlrollout why ml-dispatch -n dispatch",
        (
            "Users are safe: it can wait until morning. Mend it, then roll out the mended one (a new spec.revision, or "
            "another version in its source), or try this one again:"
        ),
        'kubectl annotate mlr ml-dispatch -n dispatch mlrollout.dev/retry="what was mended"',
        "https://grafana/d/x",
        "Key in Redis: ml_dispatch:rollout_percentage",
    ]


def test_the_message_that_the_documents_show_is_the_one_that_is_sent() -> None:
    at = datetime(2026, 11, 3, 2, 13, tzinfo=UTC).timestamp()
    about = replace(
        ABOUT,
        cluster="eu-1",
        dashboard="https://grafana.example.com/d/mlrollout?var-rollout=dispatch/ml-dispatch",
    )
    notice = replace(ROLLBACK, at=at, seen=at - 3)
    message = finished(compose(notice, about, wording(notice, about)))
    assert f"```text\n{message.title}\n{message.text}\n```" in NOTIFICATIONS


def test_the_title_begins_with_the_cluster_where_it_has_a_name() -> None:
    assert wording(ROLLBACK, replace(ABOUT, cluster="eu-1")).title.startswith("[eu-1] dispatch/ml-dispatch ROLLED BACK")


def every() -> list[Notice]:
    """A notice for every reason that anybody is told of."""
    found = []
    for reasons in (TRANSITIONS, ONGOING):
        for reason, topic in reasons.items():
            found.append(replace(SAMPLES[topic], topic=topic, reason=reason, severity=SEVERITIES[topic], cause=""))
    return [*found, *SAMPLES.values()]


@pytest.mark.parametrize("notice", every(), ids=lambda one: f"{one.topic}-{one.reason}")
def test_every_notice_says_what_it_means_and_what_to_do(notice: Notice) -> None:
    words = wording(notice, ABOUT)
    for line in (words.title, words.happened, words.means, words.advice, words.command):
        assert line
        assert "\n" not in line
    assert words.title.startswith("dispatch/ml-dispatch ")
    assert words.means.endswith(".")
    assert words.command.startswith("kubectl ")
    assert "ml-dispatch -n dispatch" in words.command
    assert words.look.startswith(("kubectl mlrollout why ", "kubectl mlrollout status "))
    assert words.look.endswith(" ml-dispatch -n dispatch")
    _, mark, rest = words.command.partition("mlrollout.dev/")
    assert not mark or rest.partition("=")[0] in set(Verb)


def test_a_new_attempt_promises_no_more_than_its_first_stage_asks_for() -> None:
    """As `first_stage_blockers` has it: there is nobody yet on whose evidence a guardrail could pass."""
    means = wording(SAMPLES[Topic.ATTEMPT_STARTED], ABOUT).means
    assert "pass" not in means
    for asked in ("answers", "breached", "looks back into the attempt before"):
        assert asked in means


def test_a_rollback_for_missing_evidence_is_a_rollback_and_no_alert() -> None:
    bare = replace(ROLLBACK, reason=Reason.EVIDENCE_MISSING, topic=Topic.ROLLED_BACK)
    assert "ROLLED BACK" in wording(bare, ABOUT).title
    alert = replace(SAMPLES[Topic.ALERT], reason=Reason.EVIDENCE_MISSING)
    assert "no evidence from score" in wording(alert, ABOUT).title


def test_a_revision_that_waits_is_approved_by_its_name_and_not_by_any_word() -> None:
    told = 'revision 7 (by kim) waits for a person: annotate mlrollout.dev/approve="7 why"'
    words = wording(replace(SAMPLES[Topic.AWAITING_APPROVAL], subject="revision", message=told), ABOUT)
    assert words.title == "dispatch/ml-dispatch has another revision that waits"
    assert told in words.happened
    assert words.command == "kubectl mlrollout why ml-dispatch -n dispatch"
    stage = wording(replace(SAMPLES[Topic.AWAITING_APPROVAL], subject="revision"), ABOUT)
    assert "mlrollout.dev/approve=" in stage.command


def test_who_can_not_see_redis_is_told_how_to_take_everybody_out() -> None:
    words = wording(SAMPLES[Topic.TRAFFIC_UNCONFIRMED], ABOUT)
    assert "SET ml_dispatch:rollout_percentage 0" in words.advice


def test_a_deleted_object_s_key_is_told_with_what_zeroes_it() -> None:
    last = replace(SAMPLES[Topic.TRAFFIC_UNCONFIRMED], reason=Reason.TRAFFIC_NOT_ZEROED)
    words = wording(last, ABOUT)
    assert "may still hold traffic" in words.title
    assert words.command == "redis-cli SET ml_dispatch:rollout_percentage 0"
    assert words.look == ""


def test_a_command_is_told_once() -> None:
    notice = SAMPLES[Topic.TRAFFIC_UNCONFIRMED]
    lines = finished(compose(notice, ABOUT, wording(notice, ABOUT))).text.splitlines()
    assert lines[-1] == "kubectl mlrollout why ml-dispatch -n dispatch"
    assert "Look first" not in "".join(lines)


@pytest.mark.parametrize("notice", every(), ids=lambda one: f"{one.topic}-{one.reason}")
def test_every_message_but_good_news_names_the_key_once(notice: Notice) -> None:
    text = finished(compose(notice, ABOUT, wording(notice, ABOUT))).text
    assert text.count("ml_dispatch:rollout_percentage") == (notice.severity != "info")


def test_the_key_is_named_in_words_of_ones_own_and_however_long_they_are() -> None:
    message = compose(ROLLBACK, ABOUT, wording(ROLLBACK, ABOUT))
    for text in ("it is back", "x" * 9999, "x" * (MAX_TEXT - 9) + f"SET {ABOUT.key} 0"):
        sent = finished(replace(message, text=text)).text
        assert sent.splitlines()[-1] == "Key in Redis: ml_dispatch:rollout_percentage"
        assert len(sent) <= MAX_TEXT
    assert finished(replace(message, text=f"{ABOUT.key}: SET {ABOUT.key} 0")).text.endswith(" 0")


def test_an_object_that_can_not_be_read_has_no_key_to_name() -> None:
    unread = replace(ABOUT, key="")
    assert "Key in Redis" not in finished(compose(ROLLBACK, unread, wording(ROLLBACK, unread))).text


def test_there_is_a_sample_of_each_topic() -> None:
    assert SAMPLES.keys() == set(Topic)
    assert len({notice.mark for notice in sample_notices(NOW)}) == len(Topic)
    about = sample_object(NotificationConfig(cluster="eu-1", dashboard="https://g/{namespace}/{name}"))
    assert (about.cluster, about.dashboard) == ("eu-1", "https://g/example/notify-test")


def test_a_message_is_as_long_as_it_may_be_and_says_what_it_has_to_at_its_end() -> None:
    words = wording(ROLLBACK, ABOUT)
    long = replace(compose(ROLLBACK, ABOUT, words, dropped=7, test=True), title="t" * 999, text="x" * 9999)
    sent = finished(long)
    assert len(sent.title) == MAX_TITLE
    assert len(sent.text) <= MAX_TEXT
    assert sent.title.startswith("[test] ttt")
    assert sent.text.splitlines()[-2:] == [
        "7 more were dropped: this receiver could not be reached.",
        "This is a test. Nothing happened.",
    ]


def test_a_title_is_one_line() -> None:
    assert finished(replace(compose(ROLLBACK, ABOUT, wording(ROLLBACK, ABOUT)), title=" a\nb\r c ")).title == "a b c"


def test_the_id_is_the_object_s_and_the_notice_s() -> None:
    message = compose(ROLLBACK, ABOUT, wording(ROLLBACK, ABOUT))
    assert message.id == f"uid-1.{ROLLBACK.mark}"
