"""`make e2e-kind` on stand-ins of the programs that it calls: which are called, and what it does when one fails."""

import subprocess
from pathlib import Path

import pytest

from devstack import e2e_kind, kind
from devstack.errors import DevstackError

STAND_IN = """#!/bin/sh
echo "$(basename "$0") $*" >> "{calls}"
case "$(basename "$0") $*" in
{answers}
esac
"""
PROGRAMS = ("docker", "kind", "kubectl", "helm")
TUTORIAL = """\
```sh
kind create cluster --name mlrollout
docker build \\
  -t mlrollout:tutorial .
```
```yaml
not: a command
```
```sh
kubectl mlrollout wait ml-dispatch    # ends with exit code 2: rolled back
kubectl exec deployment/redis -- redis-cli get percentage    # prints 0
kind delete cluster --name mlrollout
```
"""
GOOD = ('"kubectl mlrollout wait"*) exit 2;;', '"kubectl exec"*) echo 0;;')


class Machine:
    """A machine with stand-ins for the programs, which answer as the test says."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self._bin = folder / "bin"
        self._bin.mkdir()
        monkeypatch.setenv("PATH", str(self._bin), prepend=":")
        self.answer()

    def answer(self, *answers: str) -> None:
        for program in PROGRAMS:
            file = self._bin / program
            file.write_text(STAND_IN.format(calls=self.folder / "calls", answers="\n".join(answers)))
            file.chmod(0o755)

    def walk(self) -> Path:
        e2e_kind.walk(TUTORIAL, self.folder / "e2e")
        return self.folder

    @property
    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text().splitlines()


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


def test_the_tutorial_is_typed_as_it_stands(machine: Machine) -> None:
    machine.answer(*GOOD)

    machine.walk()

    assert machine.calls == [
        "kind create cluster --name mlrollout",
        "docker build -t mlrollout:tutorial .",
        "kubectl mlrollout wait ml-dispatch",
        "kubectl exec deployment/redis -- redis-cli get percentage",
        "kind delete cluster --name mlrollout",
        "kind delete cluster --name mlrollout",  # once more, for whom nothing of it was reached
    ]


@pytest.mark.parametrize(
    "answers",
    [
        ('"docker build"*) exit 1;;', *GOOD),
        ('"kubectl mlrollout wait"*) exit 0;;', GOOD[1]),
        (GOOD[0], '"kubectl exec"*) echo 10;;'),
        (GOOD[0], '"kubectl exec"*) echo 0; exit 1;;'),
    ],
    ids=["a command fails", "a bad model is not taken back", "traffic is left", "an answer comes with a failure"],
)
def test_any_other_end_is_told_kept_and_tidied_up(machine: Machine, answers: tuple[str, ...]) -> None:
    machine.answer(*answers, '"kubectl get mlr"*) echo the objects;;')

    with pytest.raises(DevstackError, match=r"The tutorial for kind failed: exit code 1"):
        machine.walk()

    logs = machine.folder / "e2e" / "logs"
    assert (logs / "rollouts.yaml").read_text() == "the objects\n"
    assert f"kind export logs {logs / 'kind'} --name mlrollout" in machine.calls
    assert machine.calls[-1] == "kind delete cluster --name mlrollout"


def test_the_tutorial_of_the_documentation_is_a_script_that_bash_reads() -> None:
    script = e2e_kind.script(e2e_kind.TUTORIAL.read_text())

    subprocess.run(["/usr/bin/env", "bash", "-n", "-c", script], check=True)
    for what in ("kind load docker-image", "helm install", "[ $code = 2 ]", "$said", "helm uninstall"):
        assert what in script


def test_what_is_missing_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert e2e_kind.main() == 2

    said = capsys.readouterr().err.splitlines()
    assert len(said) == 3
    assert all(f"the command `{program}`" in said[0] for program in PROGRAMS)
    assert "make demo" in said[2]


def test_a_cluster_of_that_name_is_left_alone(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.answer(f'"kind get clusters") echo {kind.NAME};;')
    monkeypatch.setattr(e2e_kind, "DIRECTORY", machine.folder / "e2e")

    assert e2e_kind.main() == 1

    assert "already" in capsys.readouterr().err
    assert not [call for call in machine.calls if "create" in call or "delete" in call]
