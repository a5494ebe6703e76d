"""A block waits for samples that are on their way, and for nothing that has ended."""

from dataclasses import replace

import pytest
from mlrollout.evidence.statistics.counting.arrival import NO_PATIENCE, Patience
from mlrollout.evidence.statistics.counting.series import Series

PATIENCE = Patience(since=0, scrape=15)
TIMES = range(0, 151, 15)


def series(status: str, *times: float, job: str = "app", **labels: str) -> Series:
    return Series({"job": job, "instance": "p", "status": status, **labels}, tuple((at, 100 + at) for at in times))


GOOD = series("success", *TIMES)


@pytest.mark.parametrize(
    ("other", "waits"),
    [
        (series("failure", *TIMES), False),
        (series("failure", *TIMES[:-1]), True),
        (series("failure", *TIMES[:6]), True),  # of the last four scrapes, nothing has arrived
        (series("failure", *TIMES[:5]), False),  # it has ended
        (series("failure", 135), True),
        (series("failure", 155), False),  # born later
        (series("failure"), False),
        (series("failure", *TIMES[:-1], 148), False),  # a time of its own, a little before
        (series("failure", *(at - 8 for at in TIMES)), False),  # pushed by another pod
        (series("failure", *TIMES[:-1], job=""), True),
        (series("failure", *TIMES[:-1], prometheus_replica="b"), False),  # the other of a pair is behind as a whole
    ],
    ids=str,
)
def test_it_waits_for_what_is_behind_its_target(other: Series, *, waits: bool) -> None:
    assert PATIENCE.waits([GOOD if other.labels["job"] else series("success", *TIMES, job=""), other], 150) is waits


def test_of_whom_nobody_knows_where_they_were_scraped_from_none_is_behind() -> None:
    found = [Series({"status": str(one)}, series("", *TIMES[: 11 - one]).samples) for one in range(2)]

    assert not PATIENCE.waits(found, 150)


def test_what_a_restart_ended_is_not_on_its_way() -> None:
    began_anew = Series(GOOD.labels, ((30.0, 130.0), (45.0, 145.0), (60.0, 5.0), (75.0, 20.0), (90.0, 35.0)))

    assert not PATIENCE.waits([began_anew, series("failure", 30, 45)], 90)
    assert PATIENCE.waits([began_anew, series("failure", 30, 45, 60)], 90)


def test_what_is_scraped_more_seldom_is_late_by_its_own_time() -> None:
    """Two targets may have one name, and series be recorded every two minutes."""
    slow = series("failure", 0, 60, 120)

    assert not PATIENCE.waits([GOOD, slow], 150)
    assert PATIENCE.waits([GOOD, replace(slow, samples=slow.samples[:2])], 150)


def test_one_pod_of_many_that_restarts_excuses_no_other_s_requests() -> None:
    """As behind a collector, where all of them are one target."""
    pods = [series("success", *TIMES, pod=str(pod)) for pod in range(4)]
    one = series("success", *TIMES, pod="4")
    restarted = replace(one, samples=(*one.samples[:-1], (150, 3.0)))
    late = series("success", *TIMES[:-1], pod="5")

    assert PATIENCE.waits([*pods, restarted, late], 150)


def test_a_look_may_be_no_later_than_it_may_wait() -> None:
    found = [GOOD, series("failure", *TIMES[:-1])]

    assert [Patience.at(at, 15, 30).waits(found, 150) for at in (209, 210)] == [True, False]


def test_it_waits_for_a_few_scrapes_and_no_longer() -> None:
    found = [GOOD, series("failure", *TIMES[:-1])]

    assert [Patience.at(at, 15).waits(found, 150) for at in (180, 239, 240)] == [True, True, False]
    assert not NO_PATIENCE.waits(found, 150)


def test_nothing_is_behind_where_there_is_nothing_yet() -> None:
    assert not PATIENCE.waits([series("failure", 155), series("success")], 150)
