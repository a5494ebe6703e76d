"""`make e2e-kind`: the tutorial for kind, typed as it stands, in a cluster that is made for it and deleted again.

Two remarks behind its commands count: `# ends with exit code 2` is that command's end, and `# prints 0` its output. Any
other end is a failure: then what the cluster has to say is kept, and this ends with 1.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from . import kind
from .chart import REPOSITORY
from .commands import run
from .console import say
from .errors import DevstackError

TUTORIAL = REPOSITORY / "docs" / "tutorial-kind.md"
DIRECTORY = REPOSITORY / ".local" / "e2e-kind"

_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ENDS = re.compile(r"(?P<command>.*\S)\s+# ends with exit code (?P<code>\d+).*")
_PRINTS = re.compile(r"(?P<command>.*\S)\s+# prints (?P<output>\S+)")
_LIMIT = 25 * 60
"""Seconds that everything may take: an image is built, and four are pulled."""

_LAST_WORDS: Mapping[str, tuple[str, ...]] = {
    "objects.txt": ("get", "all,mlr,events", "-A", "-o", "wide"),
    "rollouts.yaml": ("get", "mlr", "-A", "-o", "yaml"),
    "pods.txt": ("describe", "pods", "-A"),
    "operator.log": (
        "logs",
        "-n",
        "mlrollout-system",
        "-l",
        "app.kubernetes.io/name=mlrollout",
        "--prefix",
        "--tail=-1",
    ),
    "application.log": ("logs", "-n", "dispatch", "deployment/ml-dispatch", "--tail=-1"),
}
"""What is asked for by kubectl after a failure, and the file that it is kept in."""


def main() -> int:
    """Walk through the tutorial; the exit code."""
    try:
        kind.check("take `make demo`, which shows the same without a cluster.", "kubectl", "helm")
        _refuse_another()
        walk(TUTORIAL.read_text(), DIRECTORY)
    except DevstackError as error:
        say(str(error))
        return error.exit_code
    say("The tutorial for kind does what it says.")
    return 0


def _refuse_another() -> None:
    if kind.exists():
        raise DevstackError(
            f"There is a kind cluster {kind.NAME} already.",
            meaning="It may be somebody's, so nothing was started.",
            remedy=f"Delete it (kind delete cluster --name {kind.NAME}), then run this again.",
        )


def walk(tutorial: str, directory: Path) -> None:
    """Type the tutorial's commands in the repository's root; whatever comes of it, the cluster is gone afterwards.

    Raises:
        DevstackError: A command did not end as it should.
    """
    directory.mkdir(parents=True, exist_ok=True)
    # A kubeconfig of its own: the user's keeps its context.
    env = {"KUBECONFIG": str(directory / "kubeconfig")}
    try:
        ended = _typed(script(tutorial), env)
        if ended:
            _keep_last_words(directory / "logs", env)
            raise DevstackError(
                f"The tutorial for kind failed: {ended}",
                meaning="The last command above did not end as docs/tutorial-kind.md says.",
                remedy=f"Read what the cluster said: {directory / 'logs'}",
            )
    finally:
        run(["kind", "delete", "cluster", "--name", kind.NAME], env=env)


def _typed(commands: str, env: Mapping[str, str]) -> str:
    """Run them, to be watched; how they failed, or nothing."""
    try:
        ran = subprocess.run(
            ["/usr/bin/env", "bash", "-c", commands],
            cwd=REPOSITORY,
            env={**os.environ, **env},
            timeout=_LIMIT,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"it was not through after {_LIMIT // 60} minutes."
    return f"exit code {ran.returncode}." if ran.returncode else ""


def _keep_last_words(logs: Path, env: Mapping[str, str]) -> None:
    logs.mkdir(parents=True, exist_ok=True)
    for file, arguments in _LAST_WORDS.items():
        said = run(["kubectl", *arguments], env=env, timeout=60)
        (logs / file).write_text(said.stdout + said.stderr)
    run(["kind", "export", "logs", str(logs / "kind"), "--name", kind.NAME], env=env, timeout=120)


def script(tutorial: str) -> str:
    """The commands as one script of bash, which ends at the first that does not end as it should."""
    return "\n".join(["set -euxo pipefail", *_commands(tutorial)])


def _commands(tutorial: str) -> Iterator[str]:
    for line in "".join(_BLOCK.findall(tutorial)).splitlines():
        if ends := _ENDS.fullmatch(line):
            yield f"code=0; {ends['command']} || code=$?; [ $code = {ends['code']} ]"
        elif prints := _PRINTS.fullmatch(line):
            # Not within the test, where a failure would go unnoticed.
            said = f"said=$({prints['command']} | tee /dev/stderr)"
            yield f'{said}; [ "$said" = {shlex.quote(prints["output"])} ]'
        else:
            yield line


if __name__ == "__main__":
    sys.exit(main())
