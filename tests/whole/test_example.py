"""The example as its page tells it: a bad model, a comparison, and what `kubectl describe` prints then."""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import count, groupby

import pytest

from devstack.demo.application import EXAMPLE, DispatchApp
from devstack.processes import wait_until
from devstack.stack import Stack

GOOD, BAD = "ranker-2026-11-03", "ranker-2026-11-17"


@pytest.fixture
def described() -> Iterator[str]:
    """What a user sees of the bad model's rollout in the end."""
    with Stack() as stack, DispatchApp(stack.redis_url) as app:
        assert stack.prometheus is not None
        stack.prometheus.set_targets("app", [app.address])
        stack.install()
        stack.start_operator()
        wait_until(lambda: stack.prometheus and stack.prometheus.query("ml_dispatch_total"), within=30, what="a scrape")
        app.deploy(BAD)
        kubectl = stack.cluster.kubectl
        kubectl("create", "namespace", "dispatch")
        kubectl("apply", "-f", "-", input=(EXAMPLE / "rollout.yaml").read_text().replace(GOOD, BAD))
        wait = partial(kubectl, "wait", "-n", "dispatch", "mlr/ml-dispatch", "--timeout=90s")
        for attempt in count(1):
            wait(f"--for=jsonpath={{.status.attempt}}={attempt}")
            wait("--for=condition=Stalled")
            told = wait_until(partial(_told, kubectl), within=30, what="the Event")
            if "legacy 0 %" not in told:
                break
            # By chance no request of the control had failed yet, and of nothing there is no multiple.
            kubectl("annotate", "-n", "dispatch", "mlr/ml-dispatch", f"mlrollout.dev/retry=again-{attempt}")
        yield kubectl("describe", "mlrollout", "ml-dispatch", "-n", "dispatch")


def _told(kubectl: Callable[..., str]) -> str | None:
    """What the Event of the last rollback says."""
    events = kubectl("get", "events", "-n", "dispatch", "--sort-by=.metadata.creationTimestamp").splitlines()
    return next((line for line in reversed(events) if "RolledBack" in line), None)


def test_its_page_shows_what_kubectl_prints(described: str) -> None:
    (shown,) = re.findall(r"^```\n(Status:\n.*?)^```$", (EXAMPLE / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    printed = described[described.index("\nStatus:\n") + 1 :].splitlines()

    missing = _missing(shown.splitlines(), printed)
    assert not missing, "\n".join(["the page shows what is not printed there:", *missing, "", described])


def _missing(shown: Sequence[str], printed: Sequence[str]) -> Sequence[str]:
    """The first lines of what is shown that are not printed one after the other, after those before; none for all."""
    at = 0
    for apart, block in groupby(shown, key=lambda line: line.strip() == "…"):
        lines = [] if apart else list(block)
        found = (here for here in range(at, len(printed)) if _matches(lines, printed[here:]))
        if (here := next(found, None)) is None:
            return lines
        at = here + len(lines)
    return []


def _matches(shown: Sequence[str], printed: Sequence[str]) -> bool:
    """Whether what is printed begins with what is shown; dots stand for anything, and so do numbers."""
    pairs = zip(shown, printed, strict=False)
    return len(shown) <= len(printed) and all(re.fullmatch(_pattern(one), _plain(other)) for one, other in pairs)


def _plain(line: str) -> str:
    """Without what differs from run to run: times, numbers, names of checkpoints, and the widths of columns."""
    line = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME", line)
    line = re.sub(r"surely (more|less) than|no worse|[\d.]+ times worse", "BOUND", line)
    line = re.sub(r"(?<![-\w])\d[\d.]*(e[-+]\d+)?(m?s|m\d+s)?(?!\w)", "N", re.sub(r'"[0-9a-f]{16}"', '"ID"', line))
    return re.sub(r" +", " ", line).strip()


def _pattern(line: str) -> str:
    return ".*".join(re.escape(part) for part in _plain(line).split("…"))
