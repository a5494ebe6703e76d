"""The command line as a newcomer meets it: each mistake is told, with what to do, and has its exit code."""

import hashlib
import json
import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from mlrollout.cli.ending import ExitCode

from tests.support import dispatch
from tests.support.command_line import Answer, api_double, into_a_closed_pipe

DONE, WRONG, NO_CLUSTER, FAULT, PIPE_CLOSED = 0, 2, 3, 70, 141
ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "ml-dispatch" / "rollout.yaml"
KUBECONFIG = """
apiVersion: v1
kind: Config
clusters: [{{name: c, cluster: {{server: "http://127.0.0.1:{port}"}}}}]
users: [{{name: u, user: {{token: hunter2}}}}]
contexts: [{{name: x, context: {{cluster: c, user: u}}}}]
current-context: x
"""


def mlrollout(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it as on a machine where nothing of ours is set."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("MLROLLOUT_", "KUBE"))}
    if "PYTHONPATH" in environment:  # before what is there already: the same program is meant
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (environment["PYTHONPATH"], bare.get("PYTHONPATH"))))
    return subprocess.run(
        [sys.executable, "-m", "mlrollout", *arguments],
        env={**bare, "HOME": str(home), "COLUMNS": "200", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def kubeconfig(tmp_path: Path, closed: int) -> str:
    file = tmp_path / "kubeconfig"
    file.write_text(KUBECONFIG.format(port=closed))
    return str(file)


@pytest.mark.parametrize("arguments", [(), ("--help",)])
def test_alone_it_lists_its_commands(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    ran = mlrollout(tmp_path, *arguments)
    assert "Run the operator" in ran.stdout
    assert "Print the version" in ran.stdout
    assert ran.returncode == (DONE if arguments else WRONG)


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("app", ["pydantic", "rich", "yaml", "asyncio", "ssl", "importlib.metadata"]),
        ("reading.one", ["asyncio", "aiohttp", "kubernetes", "mlrollout.api.spec", "mlrollout.api.status"]),
    ],
)
def test_nobody_waits_for_what_only_other_commands_need(module: str, heavy: list[str]) -> None:
    """For --help, and for `status`: what makes them slow is what they load."""
    code = f"import sys, mlrollout.cli.{module}; print([one for one in {heavy} if one in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout == "[]\n"


@pytest.mark.parametrize("asked", ["version", "--version"])
def test_it_knows_its_version(tmp_path: Path, asked: str) -> None:
    ran = mlrollout(tmp_path, asked)
    assert (ran.stdout, ran.returncode) == (version("mlrollout") + "\n", DONE)


def test_the_help_of_the_operator_names_every_setting(tmp_path: Path) -> None:
    ran = mlrollout(tmp_path, "operator", "--help")
    assert ran.returncode == DONE
    page = Path(__file__).parents[3].joinpath("docs", "operations.md").read_text()
    settings = page.partition("## Settings")[2].partition("Exit codes")[0]
    names = set(re.findall(r"`(MLROLLOUT_\w+|--[a-z-]+|KUBECONFIG)`", settings))
    assert len(names) > 10
    assert {name for name in names if name not in ran.stdout} == set()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("nonsense",), "No such command 'nonsense'"),
        (("operator", "--nonsense"), "No such option: --nonsense"),
        (("operator", "--listen", "8080"), "'8080' is no address to listen on: write host:port"),
        (("operator", "--log-level", "loud"), "'loud' is not one of 'debug', 'info', 'warning', 'error'"),
    ],
)
def test_wrong_usage(tmp_path: Path, arguments: tuple[str, ...], told: str) -> None:
    ran = mlrollout(tmp_path, *arguments)
    assert told in ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.returncode == WRONG


@pytest.mark.parametrize(("level", "written"), [("info", ["said", "warned", "acted"]), ("error", ["acted"])])
def test_a_log_has_what_its_level_asks_for_and_always_who_did_what(level: str, written: list[str]) -> None:
    program = f"""
import structlog
from mlrollout.startup import logs
logs.configure(json=True, level=logs.LogLevel("{level}"))
log = structlog.get_logger("mlrollout.runtime")
log.info("said")
log.warning("warned")
structlog.get_logger("mlrollout.audit").info("acted")
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert [json.loads(line)["event"] for line in ran.stderr.splitlines()] == written


def test_a_tokens_line_goes_to_its_file_and_the_token_does_not(tmp_path: Path) -> None:
    """So `>> tokens.yaml` does what is meant, and the file of hashes holds no secret."""
    ran = mlrollout(tmp_path, "token", "--name", "dispatch", "--role", "assign", "--role", "admin")
    (line,) = ran.stdout.splitlines()
    made = ran.stderr.splitlines()[1]
    assert line.startswith('- {name: "dispatch", roles: [assign, admin], sha256: ')
    assert hashlib.sha256(made.encode()).hexdigest() in line
    assert made not in ran.stdout
    assert ran.returncode == DONE


@pytest.mark.parametrize(
    ("command", "missing", "extra"),
    [
        ("server --config x", "typer", "server"),
        ("server --config x", "jwt", "server"),
        ("token --name a --role view", "typer", "server"),
        ("operator", "kopf", "operator"),
        ("notify test", "typer", "operator"),
        ("version", "typer", "cli"),
        ("lint -f x", "yaml", "cli"),
    ],
)
def test_what_is_not_installed_is_told_with_the_extra_that_brings_it(
    tmp_path: Path, command: str, missing: str, extra: str
) -> None:
    lacking = tmp_path / "lacking"
    lacking.mkdir()
    lacking.joinpath(f"{missing}.py").write_text(f"raise ModuleNotFoundError('No module', name={missing!r})")
    ran = mlrollout(tmp_path, *command.split(), PYTHONPATH=str(lacking))

    told = f"this needs {missing}, which is not installed: install mlrollout with its extra `{extra}`\n"
    signed = "notify test" if command.startswith("notify") else command.split(maxsplit=1)[0]
    assert ran.stderr == f"mlrollout {signed}: {told}"
    assert ran.returncode == FAULT


def test_a_fault_of_the_program_itself_is_one_line_and_shows_where_it_is_to_who_asks(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    broken.joinpath("yaml.py").write_text("raise LookupError('no such page')")
    ran = mlrollout(tmp_path, "lint", "-f", "x", PYTHONPATH=str(broken))
    told = "a fault of this program, please report it: LookupError: no such page (MLROLLOUT_TRACEBACK=1 shows where)"
    assert ran.stderr == f"mlrollout lint: {told}\n"
    assert ran.returncode == FAULT

    ran = mlrollout(tmp_path, "lint", "-f", "x", PYTHONPATH=str(broken), MLROLLOUT_TRACEBACK="1")
    assert "Traceback" in ran.stderr
    assert ran.returncode == FAULT


@pytest.mark.parametrize("arguments", [["--help"], ["version"], ["lint", "-f", "-"]])
def test_a_pipe_that_is_closed_is_no_error_to_tell(arguments: list[str]) -> None:
    command = [sys.executable, "-m", "mlrollout", *arguments]
    assert into_a_closed_pipe(command, text=EXAMPLE.read_bytes()) == (b"", PIPE_CLOSED)


FULL = Path("/dev/full")
WRITES = [["--help"], ["version"], ["explain"], ["template", "a"], ["completion", "bash"], ["lint", "-f", str(EXAMPLE)]]


def _written_to(output: str, arguments: list[str], **environment: str) -> tuple[str, int]:
    """What a command says of an output that a shell gives it, and its exit code."""
    command = ["sh", "-c", f'exec "$0" -m mlrollout "$@" {output}', sys.executable, *arguments]
    ran = subprocess.run(
        command, env=os.environ | environment, stderr=subprocess.PIPE, text=True, timeout=60, check=False
    )
    return ran.stderr, ran.returncode


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    ("output", "why"),
    [
        (">&-", "Bad file descriptor"),
        pytest.param(
            f">{FULL}", "No space left on device", marks=pytest.mark.skipif(not FULL.exists(), reason="Linux has it")
        ),
    ],
)
@pytest.mark.parametrize("arguments", WRITES, ids=lambda arguments: arguments[0])
def test_an_output_that_can_not_be_written_is_told_as_such(
    arguments: list[str], output: str, why: str, unbuffered: str
) -> None:
    said, code = _written_to(output, arguments, PYTHONUNBUFFERED=unbuffered)
    signed = "mlrollout" if arguments == ["--help"] else f"mlrollout {arguments[0]}"
    assert (said, code) == (f"{signed}: standard output can't be written ({why})\n", 1)


def test_whoever_writes_nothing_needs_no_output(tmp_path: Path) -> None:
    said, code = _written_to(">&-", ["lint", "-f", str(tmp_path / "missing")])
    assert (said.count("\n"), "can't be read" in said, code) == (1, True, WRONG)


@pytest.mark.parametrize(
    "beside",
    ["2>&-", pytest.param(f"2>{FULL}", marks=pytest.mark.skipif(not FULL.exists(), reason="Linux has it"))],
)
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["version"], DONE),
        (["nonsense"], WRONG),
        (["status", "x"], NO_CLUSTER),
        (["rollback", "x", "--reason", "y"], NO_CLUSTER),
        (["wait", "x", "--for", "nonsense"], 1),
    ],
    ids=lambda one: one[0] if isinstance(one, list) else "",
)
def test_what_can_not_be_told_beside_changes_no_verdict_and_goes_nowhere_else(
    tmp_path: Path, beside: str, arguments: list[str], code: int
) -> None:
    command = ["sh", "-c", f'exec "$0" -m mlrollout "$@" {beside}', sys.executable, *arguments]
    environment = os.environ | {"KUBECONFIG": str(tmp_path / "missing")}
    ran = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, timeout=60, check=False)
    assert (ran.stdout, ran.returncode) == (f"{version('mlrollout')}\n" if arguments == ["version"] else "", code)


@pytest.mark.skipif(not FULL.exists(), reason="Linux has it")
def test_whoever_waits_and_can_not_tell_how_it_goes_on_waits_all_the_same(tmp_path: Path) -> None:
    with api_double() as double:
        one = dispatch.rollouts()["complete"]
        double.answers["*"] = Answer({**one, "metadata": one["metadata"] | {"namespace": "default"}})
        file = tmp_path / "kubeconfig"
        file.write_text(KUBECONFIG.format(port=double.port))
        command = ["sh", "-c", f'exec "$0" -m mlrollout "$@" 2>{FULL}', sys.executable]
        ran = subprocess.run(
            [*command, "wait", "ml-dispatch", "--for", "complete", "--timeout", "30s"],
            env=os.environ | {"KUBECONFIG": str(file)},
            stdout=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert (ran.stdout.startswith("ml-dispatch: it is complete at 100 %"), ran.returncode) == (True, DONE)


def test_an_input_that_is_closed_is_an_empty_one() -> None:
    assert _written_to("<&-", ["lint", "-"]) == ("mlrollout lint: no MLRollout in -\n", WRONG)


def test_the_page_has_every_exit_code() -> None:
    page = (ROOT / "docs" / "cli.md").read_text().partition("## Exit codes")[2]
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)} == set(map(int, ExitCode))


def test_a_token_for_a_role_that_does_not_exist(tmp_path: Path) -> None:
    ran = mlrollout(tmp_path, "token", "--name", "dispatch", "--role", "root")
    assert ran.stderr == "mlrollout token: there is no role root: there are assign, rate, view, admin\n"
    assert ran.returncode == WRONG


def test_a_server_without_its_file(tmp_path: Path) -> None:
    ran = mlrollout(tmp_path, "server", "--config", str(tmp_path / "missing"))
    assert f"the configuration {tmp_path}/missing can't be read (No such file or directory)" in ran.stderr
    assert ran.returncode == WRONG


def test_a_redis_url_file_that_is_not_there(tmp_path: Path) -> None:
    ran = mlrollout(tmp_path, "operator", MLROLLOUT_REDIS_URL_FILE=str(tmp_path / "missing"))
    assert f"names {tmp_path}/missing, which can't be read (No such file or directory): mount the Secret" in ran.stderr
    assert ran.returncode == WRONG


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"MLROLLOUT_REDIS_URL": "redis://:hun/hunter2@redis"}, "Write it like rediss://user:password@host:6379/0"),
        ({"MLROLLOUT_PROMETHEUS_URL": "http://user:hunter2@prometheus"}, "without user name, password or query"),
    ],
)
def test_an_address_that_is_none_ends_the_start_and_is_not_repeated(
    tmp_path: Path, kubeconfig: str, environment: dict[str, str], told: str
) -> None:
    ran = mlrollout(tmp_path, "operator", "--listen", "127.0.0.1:0", KUBECONFIG=kubeconfig, **environment)
    (name,) = environment
    assert told in ran.stderr
    assert name in ran.stderr
    assert "hunter2" not in ran.stdout + ran.stderr
    assert ran.returncode == WRONG


def test_a_port_in_use(tmp_path: Path, kubeconfig: str, taken: int) -> None:
    ran = mlrollout(tmp_path, "operator", "--listen", f"127.0.0.1:{taken}", KUBECONFIG=kubeconfig)
    told = f"can't listen on 127.0.0.1:{taken} (Address already in use): choose another address with --listen\n"
    assert ran.stderr == "mlrollout operator: " + told
    assert ran.returncode == WRONG


def test_no_cluster(tmp_path: Path) -> None:
    ran = mlrollout(tmp_path, "operator", "--listen", "127.0.0.1:0")
    assert "there is no kubeconfig, and this is no pod with a ServiceAccount. Let KUBECONFIG name" in ran.stderr
    assert ran.returncode == NO_CLUSTER


def test_a_kubeconfig_that_is_not_there(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    ran = mlrollout(tmp_path, "operator", "--listen", "127.0.0.1:0", KUBECONFIG=missing)
    assert f"KUBECONFIG names {missing}, which is not there" in ran.stderr
    assert ran.returncode == NO_CLUSTER


def test_a_kubeconfig_that_is_none(tmp_path: Path) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text("hunter2: [")
    ran = mlrollout(tmp_path, "operator", "--listen", "127.0.0.1:0", KUBECONFIG=str(file))
    assert f"The kubeconfig {file} can't be used" in ran.stderr
    assert "hunter2" not in ran.stderr
    assert ran.returncode == NO_CLUSTER


def test_a_cluster_that_can_not_be_reached_is_told_and_waited_for(kubeconfig: str, closed: int) -> None:
    command = [sys.executable, "-m", "mlrollout", "operator", "--listen", "127.0.0.1:0", "--text"]
    environment = {**os.environ, "KUBECONFIG": kubeconfig}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        told = next(line for line in running.stderr if "The objects can't be seen" in line)
        running.terminate()
        rest = running.stderr.read()
        assert running.wait(timeout=8) == DONE

    assert f"the Kubernetes API at 127.0.0.1:{closed} can't be reached (Connection refused)" in told
    assert "hunter2" not in told + rest


def test_it_can_be_told_to_stop_while_it_waits_for_the_cluster(tmp_path: Path, taken: int) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(KUBECONFIG.format(port=taken))
    command = [sys.executable, "-m", "mlrollout", "operator", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, env={**os.environ, "KUBECONFIG": str(file)}, stderr=subprocess.PIPE) as running:
        assert running.stderr is not None
        assert b"Starting" in running.stderr.readline()
        running.terminate()
        assert running.wait(timeout=8) == DONE
