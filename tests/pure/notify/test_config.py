"""The administrator's file says what is wrong with it, and nothing that is secret."""

import re
from pathlib import Path

import pytest
from mlrollout.api.notification import Notification, Topic
from mlrollout.api.secret_ref import SecretKeyRef
from mlrollout.domain.topics import Severity
from mlrollout.notify.config import MAX_FILE, ConfigError, parse
from mlrollout.notify.message import About
from mlrollout.notify.routing import OF_OBJECTS, about, subscriptions
from mlrollout.notify.samples import sample_notices

ROOT = Path(__file__).parents[3]
DISPATCH = About("dispatch", "ml-dispatch", "uid-1", {"team": "dispatch"})
ONE = "receivers: [{name: oncall, url: 'slack://s3cret/s3cret/s3cret'}]\n"
TWO = "receivers: [{name: oncall, url: 'https://a/'}, {name: audit, url: 'https://b/'}]\n"


def wanted(text: str, of: About = DISPATCH, own: tuple[Notification, ...] = ()) -> dict[str, set[str]]:
    """Which topics each receiver hears of."""
    notices = sample_notices(0.0)
    return {
        one.key: {str(notice.topic) for notice in notices if one.wants(notice)}
        for one in subscriptions(parse(text), own, of)
    }


EVERYTHING = {str(topic) for topic in Topic}


def test_without_routes_every_receiver_hears_everything() -> None:
    assert wanted(ONE) == {"operator/oncall": EVERYTHING}


@pytest.mark.parametrize(
    ("route", "topics"),
    [
        ("topics: [RolledBack, Completed]", {"RolledBack", "Completed"}),
        ("severities: [critical]", {"RolledBack", "TrafficUnconfirmed"}),
        ("reasons: [ManualRollback, GuardrailAlert]", {"StoppedByHand", "Alert"}),
        ("topics: [RolledBack, Alert], severities: [warning]", {"Alert"}),
        ("namespaces: ['dis*'], labels: {team: dispatch}, topics: [Alert]", {"Alert"}),
    ],
)
def test_a_route_chooses_by_all_that_it_names(route: str, topics: set[str]) -> None:
    assert wanted(f"{TWO}routes: [{{receivers: [oncall], {route}}}]") == {"operator/oncall": topics}


@pytest.mark.parametrize(
    "route", ["namespaces: [dis]", "namespaces: ['x*']", "labels: {team: other}", "labels: {x: y}"]
)
def test_a_route_that_is_not_about_an_object_gives_it_no_receiver(route: str) -> None:
    assert wanted(f"{ONE}routes: [{{receivers: [oncall], {route}}}]") == {}


def sample(page: str) -> str:
    """The file that a page shows, with a secret in the place of the one that it leaves out."""
    text = (ROOT / page).read_text()
    if page.endswith(".md"):
        (text,) = re.findall(r"```yaml\n(# notifications\.yaml\n.*?)```", text, re.DOTALL)
    return str(text).replace("whsec_…", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")


@pytest.mark.parametrize("page", ["docs/notifications.md", "examples/notifications.yaml"])
def test_the_samples_wake_somebody_only_for_what_can_not_wait(page: str) -> None:
    heard = wanted(sample(page))
    woken = {name for name in heard if name.removeprefix("operator/") in {"oncall", "pagerduty", "opsgenie", "sms"}}

    assert woken
    for name, topics in heard.items():
        assert topics == {"TrafficUnconfirmed"} if name in woken else topics >= {"RolledBack", "TrafficUnconfirmed"}
    assert {name.removeprefix("operator/") for name in heard} == {one.name for one in parse(sample(page)).receivers}


def test_several_routes_add_up() -> None:
    text = (
        f"{TWO}routes: [{{receivers: [oncall], topics: [Alert]}}, {{receivers: [oncall, audit], topics: [RolledBack]}}]"
    )
    assert wanted(text) == {"operator/oncall": {"Alert", "RolledBack"}, "operator/audit": {"RolledBack"}}


def test_an_object_s_own_receivers_hear_what_it_says() -> None:
    ref = SecretKeyRef(name="slack", key="url")
    own = (Notification(name="a", secret_ref=ref), Notification(name="b", secret_ref=ref, topics=(Topic.ALERT,)))
    assert wanted("", own=own) == {"own/a": EVERYTHING, "own/b": {"Alert"}}
    assert {one.receiver for one in subscriptions(parse(""), own, DISPATCH)} == {OF_OBJECTS}


def test_an_object_is_told_with_its_labels_and_a_link() -> None:
    config = parse("cluster: eu-1\ndashboard: https://grafana/d?ns={namespace}&name={name}")
    metadata = {"namespace": "a b", "name": "n", "uid": "u", "labels": {"x": "y"}}
    found = about(config, metadata, "key")
    assert (found.cluster, found.dashboard, found.labels) == ("eu-1", "https://grafana/d?ns=a%20b&name=n", {"x": "y"})
    assert about(config, {}, "").labels == {}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("receivers: [", "it is no YAML (line 1)"),
        ("a: &a [*a", "it is no YAML (line 1)"),
        ("cluster: 2026-02-30", "it is no YAML"),
        ("receivers: !!int ''", "it is no YAML"),
        ("cluster: !!bool s3cret", "it is no YAML"),
        ("[" * 5000, "it is no YAML"),
        ("[1]", "the file has no fields"),
        ("receiver: []", "receiver is no field that there is"),
        ("receivers: [{name: a}]", "receivers[0].url is missing"),
        ("receivers: [{name: A, url: 'https://a'}]", "receivers[0].name: it should match pattern"),
        ("receivers: [{name: a, url: 'tok-s3cret'}]", "receivers[0]: the address is no URL"),
        ("receivers: [{name: a, url: 'https://u:s3cret@a/'}]", "without user name and password"),
        ("receivers: [{name: a, url: 'https://a:99999/'}]", "a port that there is not"),
        ("receivers: [{name: a, url: 'https://a/s3 cret'}]", "the address of a webhook is https://host"),
        ("receivers: [{name: a, url: 'slack://s3cret', secret: whsec_s3cret}]", "only a webhook can be signed"),
        ("receivers: [{name: a, url: 'https://a/', secret: s3cret}]", "the secret of a signed webhook is whsec_"),
        (TWO.replace("audit", "oncall"), "two receivers have the name oncall"),
        (f"{ONE}routes: [{{receivers: [nobody]}}]", "a route names the receiver nobody"),
        (f"{ONE}routes: [{{receivers: []}}]", "routes[0].receivers is an empty list"),
        (
            f"{ONE}routes: [{{receivers: [oncall], topics: [Rollback]}}]",
            "routes[0].topics[0]: it should be",
        ),
        (f"{ONE}routes: [{{receivers: [oncall], only: [Alert]}}]", "routes[0].only is no field that there is"),
        ("dashboard: javascript:alert(1)", "dashboard: it should match pattern"),
        ("templates: {Rollback: {title: x}}", "templates.Rollback"),
        ("receivers: 5", "receivers is no list"),
        ("receivers: [a]", "receivers[0] has no fields"),
        ("receivers: [{name: a, url: 5}]", "receivers[0].url is no text"),
        ("templates: 5", "templates has no fields"),
        ("x" * (MAX_FILE + 1), "it is longer than"),
    ],
)
def test_a_file_that_can_not_be_used_says_why_without_what_is_secret(text: str, why: str) -> None:
    with pytest.raises(ConfigError) as found:
        parse(text)
    assert why in str(found.value)
    assert "s3cret" not in str(found.value)


def test_what_is_secret_is_not_shown() -> None:
    config = parse(
        "receivers: [{name: a, url: 'https://a.example.com/s3cret', secret: whsec_czNjcmV0czNjcmV0czNjcmV0czNjcmV0}]"
    )
    assert "s3cret" not in repr(config) + repr(config.receivers[0].address) + str(config.receivers[0].address)
    assert str(config.receivers[0].address) == "https://a.example.com"


def test_severities_are_those_of_the_contract() -> None:
    assert list(Severity) == ["info", "warning", "critical"]
