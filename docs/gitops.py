"""Writes what Argo CD is told of MLRollouts into examples/gitops/argocd: `python -m docs.gitops`."""

from pathlib import Path

import yaml

SCRIPTS = Path(__file__).parent / "argocd"
EXAMPLES = Path(__file__).parents[1] / "examples" / "gitops" / "argocd"
_NOTE = """# Generated from docs/argocd by `make generate`; edits here are lost.
# For the ConfigMap argocd-cm in Argo CD's namespace: kubectl patch configmap argocd-cm -n argocd --patch-file {name}
"""
HEALTHS = {
    "argocd-cm-complete.yaml": SCRIPTS / "health.lua",
    "argocd-cm-guarded.yaml": SCRIPTS / "guarded" / "health.lua",
}
"""What is healthy, by the patch that says so."""


class _Block(str):
    """Text that is written as a block, so that people can read it."""

    __slots__ = ()


yaml.SafeDumper.add_representer(
    _Block, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, "|")
)


def outputs() -> dict[Path, str]:
    """Each patch by its file."""
    return {EXAMPLES / name: _NOTE.format(name=name) + _patch(health) for name, health in HEALTHS.items()}


def _patch(health: Path) -> str:
    scripts = {script.parent.name: script for script in sorted((SCRIPTS / "actions").glob("*/action.lua"))}
    actions = {
        "discovery.lua": _Block((SCRIPTS / "actions" / "discovery.lua").read_text(encoding="utf-8")),
        "definitions": [
            {"name": name, "action.lua": _Block(script.read_text(encoding="utf-8"))} for name, script in scripts.items()
        ],
    }
    told = {
        "resource.customizations.health.mlrollout.dev_MLRollout": _Block(health.read_text(encoding="utf-8")),
        "resource.customizations.actions.mlrollout.dev_MLRollout": _Block(_dumped(actions)),
    }
    return _dumped({"data": told})


def _dumped(content: object) -> str:
    return yaml.safe_dump(content, sort_keys=False, width=200)


if __name__ == "__main__":
    for file, text in outputs().items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
