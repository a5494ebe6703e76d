"""What Tab offers: in the shells that are installed here, and to kubectl as it asks its plug-ins."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from mlrollout.cli.shells import SCRIPTS

from tests.components.cli.conftest import Kubeconfig
from tests.support import dispatch
from tests.support.command_line import Answer, ApiDouble, CommandLine

BIN = Path(sys.executable).parent
WRONG = 2
OBJECTS = "/apis/mlrollout.dev/v1alpha1/namespaces/default/mlrollouts"
LINES = {
    "mlrollout sta": ["status"],
    "mlrollout status ": ["ml-dispatch", "other"],
    "mlrollout rollback other ": ["ml-dispatch"],
    "mlrollout status -n sh": ["shop"],
    "mlrollout status --context ": ["here"],
    "mlrollout demote ml-dispatch --to ": ["pilot", "expansion", "full"],
    "mlrollout wait ml-dispatch --for ": ["complete", "rolled-back", "stage="],
    "mlrollout wait ml-dispatch --for stage=p": ["stage=pilot"],
    "mlrollout blocks ml-dispatch -g err": ["error-rate"],
    "mlrollout explain guardrails.r": ["guardrails.rate"],
    "mlrollout list -o js": ["json", "jsonpath="],
    "mlrollout completion z": ["zsh"],
    "mlrollout lint ": [],
}


@pytest.fixture(autouse=True)
def cluster(kubeconfig: Kubeconfig, double: ApiDouble) -> None:
    kubeconfig(double.url)
    known = [("default", "ml-dispatch"), ("default", "other"), ("shop", "ranking")]
    listed = [{"metadata": {"namespace": space, "name": name}} for space, name in known]
    double.answers["/apis/mlrollout.dev/v1alpha1/mlrollouts"] = Answer({"items": listed})
    double.answers[OBJECTS] = Answer({"items": listed[:2]})
    double.answers[f"{OBJECTS}/ml-dispatch"] = Answer(dispatch.rollouts()["advancing"])


def words(text: str) -> list[str]:
    """The words of an answer, without what they mean."""
    return [line.partition("\t")[0] for line in text.splitlines() if line]


@pytest.mark.parametrize("line", LINES)
def test_what_is_offered(mlrollout: CommandLine, line: str) -> None:
    mlrollout.setenv("_MLROLLOUT_COMPLETE", "complete_fish")
    mlrollout.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
    mlrollout.setenv("_TYPER_COMPLETE_ARGS", line)
    ran = mlrollout()
    assert (words(ran.out), ran.err) == (LINES[line], "")


def shell(*command: str, **environment: str) -> str:
    """What a program says that finds this one on PATH."""
    ran = subprocess.run(
        command,
        env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.stderr == ""
    return ran.stdout


_BASH = """
source <(mlrollout completion bash)
complete -p mlrollout
for line in "sta" "demote ml-dispatch --to " "wait ml-dispatch --for stage=" "lint "; do
    COMP_LINE="mlrollout $line"
    COMP_POINT=${#COMP_LINE}
    _mlrollout
    echo "${COMPREPLY[*]}"
done
COMP_LINE="mlrollout status ot but the cursor is earlier" COMP_POINT=19
_mlrollout
echo "${COMPREPLY[*]}"
"""


def test_bash() -> None:
    told = shell("bash", "--norc", "-c", _BASH).splitlines()
    assert told == [
        "complete -o default -F _mlrollout mlrollout",
        "status",
        "pilot expansion full",
        "pilot expansion full",  # behind the sign at which bash divides words
        "",
        "other",
    ]


_ZSH = """
compdef() { : }
_describe() { print -r -- "${(P@)2}" }
_files() { print files }
source <(mlrollout completion zsh)
words=(mlrollout sta); CURRENT=2; _mlrollout
words=(mlrollout demote ml-dispatch --to ''); CURRENT=5; _mlrollout
words=(mlrollout lint ''); CURRENT=3; _mlrollout
"""


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed here")
def test_zsh() -> None:
    first, *others = shell("zsh", "-f", "-c", _ZSH).splitlines()
    assert first.startswith("status:Show a rollout")
    assert others == ["pilot expansion full", "files"]


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed here")
def test_fish(tmp_path: Path) -> None:
    script = "mlrollout completion fish | source; complete -C 'mlrollout demote ml-dispatch --to '"
    told = shell("fish", "--no-config", "-c", script, HOME=str(tmp_path))
    assert sorted(words(told)) == ["expansion", "full", "pilot"]


def test_kubectl_is_answered_as_it_asks(tmp_path: Path) -> None:
    assert shell("kubectl_complete-mlrollout", "status", "-n", "default", "") == "ml-dispatch\nother\n:4\n"
    assert shell("kubectl_complete-mlrollout", "lint", "") == ":0\n"
    script = tmp_path / "kubectl_complete-mlrollout"
    script.write_text(SCRIPTS["kubectl"])
    assert shell("sh", str(script), "status", "ot") == "other\n:4\n"


def test_neither_a_cluster_nor_a_login_that_hangs_is_waited_for(kubeconfig: Kubeconfig, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    command = {"command": "sh", "args": ["-c", f"echo $$ > {pid}; exec sleep 600"]}
    hangs = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", **command}}
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for user in (None, hangs):
            kubeconfig(f"http://127.0.0.1:{silent.getsockname()[1]}", user)
            assert words(shell("kubectl_complete-mlrollout", "status", "")) in ([], [":0"])
    os.kill(int(pid.read_text()), signal.SIGKILL)


def test_a_shell_that_there_is_not(mlrollout: CommandLine) -> None:
    ran = mlrollout("completion", "tcsh")
    assert ran.err == "mlrollout completion: there is no completion for tcsh, but for bash, zsh, fish, kubectl\n"
    assert (ran.out, ran.code) == ("", WRONG)
