"""`.local/env`: how a shell, and the next `up`, learn where the parts are."""

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from . import binaries
from .files import replace_text
from .stack import Given, Stack

# Tells a variable that we wrote, and that a shell has sourced, from one of the user's.
_OURS = "MLROLLOUT_LOCAL"

_GUARDED_PATH = """case ":$PATH:" in
  *:{folder}:*) ;;
  *) export PATH={folder}:"$PATH" ;;
esac
"""


def given(environment: Mapping[str, str] = os.environ) -> Given:
    """The parts that the user's variables name; what we wrote ourselves is not given."""
    ours = shlex.split(environment.get(_OURS, ""))

    def named(variable: str) -> str | None:
        value = environment.get(variable)
        return value if value and value not in ours else None

    return Given(
        kubeconfig=named("KUBECONFIG"),
        redis_url=named("REDIS_URL"),
        prometheus_url=named("PROMETHEUS_URL"),
    )


def variables(stack: Stack) -> dict[str, str]:
    """What a shell should know."""
    known = {
        "KUBECONFIG": stack.cluster.kubeconfig,
        "REDIS_URL": stack.redis_url,
        "PROMETHEUS_URL": stack.prometheus_url,
    }
    if stack.operators:
        known["OPERATOR_URL"] = stack.operators[0].url
    return known


def write(stack: Stack) -> Path:
    """Write the file, and the folder of programs that it puts on PATH."""
    values = {**variables(stack), _OURS: shlex.join(_own(stack))}
    text = "# Written by `up`, removed by `down`. Use it with: source .local/env\n"
    text += "".join(f"export {name}={shlex.quote(value)}\n" for name, value in values.items())
    for folder in (Path(sys.executable).parent, _programs(stack.directory)):
        text += _GUARDED_PATH.format(folder=shlex.quote(str(folder)))
    return replace_text(stack.directory / "env", text)


def _own(stack: Stack) -> list[str]:
    kubeconfig = stack.cluster.kubeconfig
    return [
        *([kubeconfig] if Path(kubeconfig).is_relative_to(stack.directory) else []),
        *([stack.redis.url] if stack.redis else []),
        *([stack.prometheus.url] if stack.prometheus else []),
    ]


def _programs(directory: Path) -> Path:
    """Links to the command line tools, wherever each of them stands."""
    folder = directory / "bin"
    folder.mkdir(exist_ok=True)
    for name in ("kubectl", "redis-cli"):
        link = folder / name
        link.unlink(missing_ok=True)
        link.symlink_to(binaries.path(name))
    return folder
