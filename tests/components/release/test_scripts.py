"""What the release's workflow calls: names, the chart, the notes."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from devstack import binaries
from devstack.commands import run

ROOT = Path(__file__).parents[3]
DIGEST = f"sha256:{'a1' * 32}"


def call(script: str, *arguments: str, root: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return run(
        [root / ".ci" / script, *arguments], env={"HELM": str(binaries.path("helm")), "PATH": os.environ["PATH"]}
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """What the scripts read, to be changed."""
    for name in (".ci", "charts"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("pyproject.toml", "CHANGELOG.md"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_a_release_has_the_names_that_a_registry_takes() -> None:
    assert call("release-names", "v0.1.0", "ghcr.io", "Acme/MLRollout").stdout.splitlines() == [
        "image=ghcr.io/acme/mlrollout",
        "version=0.1.0",
    ]


def test_a_tag_that_is_not_the_version_is_refused() -> None:
    refused = call("release-names", "v0.2.0", "ghcr.io", "acme/mlrollout")

    assert refused.returncode == 1
    assert refused.stdout == ""
    assert "The tag is v0.2.0, and pyproject.toml has version 0.1.0" in refused.stderr


def test_a_chart_that_installs_another_version_is_refused(copy: Path) -> None:
    chart = copy / "charts/mlrollout/Chart.yaml"
    chart.write_text(chart.read_text().replace("appVersion: 0.1.0", 'appVersion: "0.0.9"'))

    refused = call("release-names", "v0.1.0", "ghcr.io", "acme/mlrollout", root=copy)

    assert refused.returncode == 1
    assert "The chart installs version 0.0.9" in refused.stderr


def test_the_chart_of_a_release_installs_its_image_by_digest(tmp_path: Path) -> None:
    assert call("release-chart", "ghcr.io/acme/mlrollout", DIGEST, str(tmp_path)).returncode == 0

    (package,) = tmp_path.glob("mlrollout-*.tgz")
    rendered = run([binaries.path("helm"), "template", "x", package, "--kube-version=1.34.0"])
    deployments = [one for one in yaml.safe_load_all(rendered.stdout) if one and one["kind"] == "Deployment"]
    assert {one["spec"]["template"]["spec"]["containers"][0]["image"] for one in deployments} == {
        f"ghcr.io/acme/mlrollout@{DIGEST}"
    }


@pytest.mark.parametrize("digest", ["", "latest", "sha256:abc", f"{DIGEST}|x"])
def test_what_is_no_digest_is_refused(digest: str, tmp_path: Path) -> None:
    refused = call("release-chart", "ghcr.io/acme/mlrollout", digest, str(tmp_path))

    assert refused.returncode == 1
    assert "is no digest of an image" in refused.stderr
    assert not list(tmp_path.iterdir())


def test_the_notes_are_what_the_changelog_says_of_the_version(copy: Path) -> None:
    first = "- first\n\n### Fixed\n\n- a bug"
    log = f"# Changelog\n\n## Unreleased\n\n- next\n\n## 0.1.0 - 2026-12-01\n\n{first}\n\n## 0.0.9\n\n- old\n"
    (copy / "CHANGELOG.md").write_text(log)

    assert call("release-notes", "0.1.0", root=copy).stdout.strip() == first
    assert call("release-notes", "0.0.9", root=copy).stdout.strip() == "- old"
    missing = call("release-notes", "0.2.0", root=copy)
    assert missing.returncode == 1
    assert 'no part "## 0.2.0"' in missing.stderr
