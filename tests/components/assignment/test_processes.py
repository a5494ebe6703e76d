"""Many processes, however they come about: each follows by itself, and a rollback reaches them all."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, Popen

import pytest
from mlrollout import Group, Rollout

from tests.components.assignment.place import KEY, Place, reaches, until

FOLLOWING = f"""
import os, sys
from mlrollout import Rollout
rollout = Rollout({KEY!r}, redis=sys.argv[1])
assert rollout.wait_ready(60)
rollout.on_change(lambda state: os.write(1, b"%d\\n" % state.percentage))
print(rollout.percentage, flush=True)
sys.stdin.read()
"""

ASKED = f"""
import sys
from mlrollout import Rollout
rollout = Rollout({KEY!r}, redis=sys.argv[1], poll=0.2, max_staleness=1.0)
assert rollout.wait_ready(60)
for _ in sys.stdin:
    print(rollout.group("kim"), flush=True)
"""

FORKING = f"""
import os, sys
from mlrollout import Rollout
rollout = Rollout({KEY!r}, redis=sys.argv[1])
assert rollout.wait_ready(20)
print(rollout.percentage, flush=True)
for _ in range(2):
    if os.fork() == 0:
        assert rollout.percentage == 30, "what the parent knew, its child knows"
        rollout.on_change(lambda state: os.write(1, b"%d\\n" % state.percentage))
        os.read(0, 1)
        os._exit(0)
rollout.on_change(lambda state: os.write(1, b"%d\\n" % state.percentage))
os.read(0, 1)
"""


@contextmanager
def running(program: str, *arguments: str) -> Iterator["Popen[str]"]:
    """A Python process that ends when its standard input does."""
    with Popen([sys.executable, "-c", program, *arguments], stdin=PIPE, stdout=PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def lines(process: "Popen[str]", count: int) -> Sequence[str]:
    assert process.stdout is not None
    return [process.stdout.readline().strip() for _ in range(count)]


def test_thirty_two_processes_all_answer_control_after_a_rollback(place: Place) -> None:
    place.put(30)
    with _many(32, place.server.url) as processes:
        for process in processes:
            assert lines(process, 1) == ["30"]
        place.put(0, latched=True)
        for process in processes:
            assert lines(process, 1) == ["0"]


@contextmanager
def _many(count: int, url: str) -> Iterator[list["Popen[str]"]]:
    processes = [
        Popen([sys.executable, "-c", FOLLOWING, url], stdin=PIPE, stdout=PIPE, text=True) for _ in range(count)
    ]
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def test_children_of_a_fork_follow_by_themselves_and_so_does_their_parent(place: Place) -> None:
    place.put(30)
    with running(FORKING, place.server.url) as process:
        assert lines(process, 1) == ["30"]
        until(lambda: place.redis.pubsub_numsub(f"{KEY}:changes")[0][1] == 3, "three that listen")
        place.put(0, latched=True)
        assert lines(process, 3) == ["0"] * 3


def test_a_fork_waits_for_what_the_thread_is_in_the_middle_of(place: Place, tmp_path: Path) -> None:
    """A module that the thread is importing would stay half loaded in the child for good."""
    (tmp_path / "slow.py").write_text("import time\ntime.sleep(0.5)\nloaded = True\n")
    program = f"""
import os, sys
from mlrollout import Rollout
from mlrollout.assignment import reader
def connect(*arguments, connect=reader.connect):
    import slow
    return connect(*arguments)
reader.connect = connect
sys.path.insert(0, {str(tmp_path)!r})
rollout = Rollout({KEY!r}, redis={place.server.url!r})
while "slow" not in sys.modules:
    pass
if os.fork() == 0:
    os._exit(not hasattr(sys.modules["slow"], "loaded"))
print(os.waitstatus_to_exitcode(os.wait()[1]))
"""
    ran = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60)

    assert ran.stdout == "0\n"


def test_a_fork_does_not_wait_for_a_redis_that_hangs(own_place: Place) -> None:
    program = f"""
import os, sys
from mlrollout import Rollout
rollout = Rollout({KEY!r}, redis={own_place.server.url!r})
if os.fork() == 0:
    os._exit(rollout.group("kim") != "control")
print(os.waitstatus_to_exitcode(os.wait()[1]))
"""
    own_place.server.pause()
    ran = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60)

    assert ran.stdout == "0\n"


BY_C = """
import ctypes, os, sys, time
from mlrollout import Group, Rollout
rollout = Rollout(sys.argv[1], redis=sys.argv[2], poll=2.0, max_staleness=3.0)
assert rollout.wait_ready(20)
libc = ctypes.PyDLL(None)
sys.stdin.readline()
if libc.fork() == 0:
    os.write(1, b"forked\\n")
    if sys.argv[3] == "told":
        ctypes.pythonapi.PyOS_AfterFork_Child()
    begins = time.monotonic()
    while time.monotonic() < begins + 20:
        group, state = rollout.group("nobody else"), rollout.state
        if state.percentage == 30 and os.getpid() != os.getppid() and time.monotonic() > begins + 3.5:
            began = time.monotonic()
            if os.fork() == 0:
                os._exit(0)
            os.wait()
            os.write(1, b"follows, and forks %s\\n" % (b"at once" if time.monotonic() - began < 2 else b"late"))
            break
        time.sleep(0.01)
    os._exit(0)
os.wait()
print(rollout.state.percentage)
"""


@pytest.mark.parametrize("told", ["told", "untold"])
@pytest.mark.parametrize("before", [0, 100], ids=["at 0 %", "at 100 %"])
def test_a_child_of_c_code_follows_as_well_whether_or_not_python_was_told(place: Place, told: str, before: int) -> None:
    """As uWSGI forks: without the hook before the fork, or without any.

    It forks while the other threads wait: what Python itself holds in the moment of such a fork, it holds for good.
    """
    place.put(before)
    with running(BY_C, KEY, place.server.url, told) as process:
        until(lambda: place.redis.pubsub_numsub(f"{KEY}:changes")[0][1], "one that listens")
        until(lambda: place.reads() >= 2, "the read after that")
        assert process.stdin is not None
        process.stdin.write("fork\n")
        process.stdin.flush()
        assert lines(process, 1) == ["forked"]
        place.put(30)
        assert lines(process, 2) == ["follows, and forks at once", "30"]


def test_one_that_can_not_begin_in_a_child_is_no_reason_for_the_others_not_to(place: Place, tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    program = f"""
import os, shutil, sys
from mlrollout import Metrics, Rollout
from mlrollout.assignment.forks import begin_in_children
class Broken:
    def begin(self): raise RuntimeError("broken")
broken = [Broken() for _ in range(9)]
for one in broken:
    begin_in_children(one)
metrics = [Metrics("m%d" % number) for number in range(9)]
rollout = Rollout({KEY!r}, redis={place.server.url!r})
assert rollout.wait_ready(20)
shutil.rmtree({str(folder)!r})
if os.fork() == 0:
    os._exit(not (rollout._reader._thread.is_alive() and rollout.wait_ready(20)))
print(os.waitstatus_to_exitcode(os.wait()[1]))
"""
    place.put(30)
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder)}
    ran = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60, env=environment
    )

    assert ran.stdout == "0\n"
    assert "the error rate of m0 leaves this process out" in ran.stderr
    assert "Broken could not begin in this process" in ran.stderr


def test_a_process_that_was_frozen_does_not_go_on_with_what_it_knew(own_place: Place) -> None:
    own_place.put(100)
    with running(ASKED, own_place.server.url) as process:
        assert process.stdin is not None
        print(file=process.stdin, flush=True)
        assert lines(process, 1) == ["treatment"]
        process.send_signal(signal.SIGSTOP)
        own_place.server.kill()
        _let_time_pass(1.5)
        process.send_signal(signal.SIGCONT)
        print(file=process.stdin, flush=True)
        assert lines(process, 1) == ["control"]


def _let_time_pass(seconds: float) -> None:
    """For what is about time itself: there is no condition to wait for in a frozen process."""
    threading.Event().wait(seconds)


def test_threads_decide_while_the_percentage_changes(place: Place) -> None:
    with Rollout(KEY, redis=place.server.url) as rollout:
        stop, wrong = threading.Event(), list[BaseException]()

        def decide() -> None:
            try:
                while not stop.is_set():
                    assert rollout.group("kim") in Group
                    rollout.assign("kim")
            except BaseException as error:  # noqa: BLE001 - whatever it is, the test tells it
                wrong.append(error)

        threads = [threading.Thread(target=decide) for _ in range(8)]
        for thread in threads:
            thread.start()
        for percentage in (10, 100, 30, 0) * 5:
            place.put(percentage)
            reaches(rollout, percentage)
        stop.set()
        for thread in threads:
            thread.join()
    assert not wrong


def test_the_sdk_loads_nothing_of_the_operator() -> None:
    program = (
        "import sys; from mlrollout import Rollout; "
        "heavy = {'kopf', 'kubernetes', 'pydantic', 'aiohttp', 'structlog', 'prometheus_client', 'openfeature'}; "
        "print(sorted(heavy & sys.modules.keys()))"
    )
    ran = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)

    assert ran.stdout == "[]\n"


@pytest.mark.parametrize(
    ("statement", "spared"),
    [
        ("import mlrollout", {"asyncio", "redis", "prometheus_client", "mlrollout.assignment"}),
        ("from mlrollout import Rollout", {"prometheus_client", "mlrollout.assignment.feature"}),
        ("from mlrollout import Feature", {"prometheus_client", "mlrollout.assignment.metrics"}),
    ],
)
def test_only_what_is_asked_for_is_loaded(statement: str, spared: set[str]) -> None:
    program = f"import sys; {statement}; print(sorted({spared} & sys.modules.keys()))"
    ran = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)

    assert ran.stdout == "[]\n"


@pytest.mark.parametrize(
    ("lacking", "statement", "extra"),
    [
        ("prometheus_client", "from mlrollout import Metrics", "metrics"),
        ("openfeature", "from mlrollout.assignment.openfeature import MlrolloutProvider", "openfeature"),
        ("openfeature", "from mlrollout.assignment.exposure import ExposureHook", "openfeature,metrics"),
        ("prometheus_client", "from mlrollout.assignment.exposure import ExposureHook", "openfeature,metrics"),
    ],
)
def test_who_lacks_a_library_is_told_how_to_get_it(lacking: str, statement: str, extra: str) -> None:
    program = f"""
import sys
sys.modules["{lacking}"] = None  # as where it is not installed
from mlrollout import Feature, Rollout
import mlrollout.assignment
try:
    {statement}
except ImportError as error:
    print(error)
"""
    ran = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)

    assert ran.stdout.endswith(f": pip install 'mlrollout[{extra}]'\n")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_feature_goes_on_in_a_fork_though_every_thread_of_its_parent_hangs() -> None:
    program = """
import os, threading
from mlrollout import Feature, Group

class Everybody:
    def group(self, user_id): return Group.TREATMENT

def legacy(user_id): return "legacy"

@Feature(Everybody(), timeout=0.01, threads=1)(legacy=legacy)
def hanging(user_id):
    return threading.Event().wait() if user_id == "kim" else "ml"

print(hanging("kim"), hanging("lee"), flush=True)
if os.fork() == 0:
    print(hanging.__wrapped__("lee"), end=" ")
    print([answer for _ in range(100) if (answer := hanging("lee")) == "ml"][0], flush=True)
    os._exit(0)
os.wait()
"""
    ran = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=30)

    assert ran.stdout == "legacy legacy\nml ml\n"


def test_a_process_ends_though_nobody_closed_its_rollout(place: Place) -> None:
    program = f"from mlrollout import Rollout; Rollout({KEY!r}, redis={place.server.url!r}).wait_ready(20)"

    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_fork_with_a_closed_rollout_is_left_alone(place: Place) -> None:
    program = f"""
import os
from mlrollout import Rollout
Rollout({KEY!r}, redis={place.server.url!r}).close()
if os.fork() == 0:
    import threading
    os._exit(threading.active_count() - 1)
print(os.waitstatus_to_exitcode(os.wait()[1]))
"""
    ran = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)

    assert ran.stdout == "0\n"
