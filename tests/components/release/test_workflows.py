"""The workflows are what GitHub takes, do no more than they may, and run what everybody else runs."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from devstack import binaries

ROOT = Path(__file__).parents[3]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
RIGHTS = {
    ("ci", "run"): {"contents": "read"},
    ("ci", "image"): {"contents": "read"},
    ("ci", "kind"): {"contents": "read"},
    ("release", "check"): {"contents": "read"},
    ("release", "image"): {"contents": "read", "packages": "write", "id-token": "write", "attestations": "write"},
    ("release", "chart"): {"contents": "read", "packages": "write", "id-token": "write", "attestations": "write"},
    ("release", "page"): {"contents": "write", "id-token": "write", "attestations": "write"},
}
"""What each job may do. More has to be written down here as well, where it is reviewed."""


def read(workflow: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(workflow.read_text(), yaml.BaseLoader)  # noqa: S506 - which makes text of everything
    return found


def jobs() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for workflow in WORKFLOWS:
        for name, job in read(workflow)["jobs"].items():
            yield workflow.stem, name, job


def steps() -> Iterator[dict[str, Any]]:
    for _, _, job in jobs():
        yield from job.get("steps", [])


def test_github_takes_them() -> None:
    ran = subprocess.run(
        [binaries.path("actionlint"), "-shellcheck=", "-pyflakes=", *WORKFLOWS],
        capture_output=True,
        text=True,
        check=False,
    )

    assert len(WORKFLOWS) == 2
    assert (ran.returncode, ran.stdout) == (0, "")


def test_what_is_no_workflow_is_found(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(WORKFLOWS[0].read_text().replace("runs-on: ubuntu-24.04", "runs_on: ubuntu-24.04"))

    assert subprocess.run([binaries.path("actionlint"), wrong], capture_output=True, check=False).returncode == 1


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda file: file.name)
def test_every_action_goes_by_its_commit_and_says_which_version_that_is(workflow: Path) -> None:
    used = re.findall(r"uses: (.*)", workflow.read_text())

    others = [action for action in used if not action.startswith("./")]
    assert others
    for action in others:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)


def test_one_version_of_each_action_is_used() -> None:
    used = {action for step in steps() if (action := step.get("uses"))}

    assert len(used) == len({action.partition("@")[0] for action in used})


def test_images_that_build_the_image_go_by_their_digest() -> None:
    named = re.findall(
        r"(?:image[:=]|generator=) *(docker\.io/\S+)", (ROOT / ".github/workflows/release.yml").read_text()
    )

    assert len(named) == 3
    assert all(re.search(r"@sha256:[0-9a-f]{64}$", name) for name in named)


def test_the_image_is_made_of_one_base_which_goes_by_its_digest() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()

    assert re.search(
        r"^ARG PYTHON=docker\.io/library/python:3\.13\.\d+-slim-\w+@sha256:[0-9a-f]{64}$", dockerfile, re.MULTILINE
    )
    assert set(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)) == {"${PYTHON}", "scratch"}


def test_a_job_may_do_what_it_needs_and_a_workflow_nothing() -> None:
    assert all(read(workflow)["permissions"] == {} for workflow in WORKFLOWS)
    assert {(workflow, name): job["permissions"] for workflow, name, job in jobs()} == RIGHTS


def test_nothing_that_others_write_becomes_part_of_a_command() -> None:
    for step in steps():
        assert "${{" not in step.get("run", ""), "hand it over in the environment"


def test_a_checkout_leaves_no_credentials_behind() -> None:
    checkouts = [step for step in steps() if step.get("uses", "").startswith("actions/checkout@")]

    assert checkouts
    assert all(step["with"]["persist-credentials"] == "false" for step in checkouts)


def test_a_failure_within_a_pipe_is_one() -> None:
    assert all(read(workflow)["defaults"] == {"run": {"shell": "bash"}} for workflow in WORKFLOWS)


def test_every_job_ends_some_time() -> None:
    assert all("timeout-minutes" in job for _, _, job in jobs() if "uses" not in job)


def test_a_change_and_a_release_pass_what_everybody_runs() -> None:
    assert {step.get("run") for step in steps()} >= {
        "bash .ci/run",
        "sudo --preserve-env=PATH make image-test",
        "make e2e-kind",
    }
    release = read(ROOT / ".github/workflows/release.yml")["jobs"]
    assert release["check"]["uses"] == "./.github/workflows/ci.yml"
    assert (release["image"]["needs"], release["chart"]["needs"]) == ("check", "image")
    assert all(release[name]["environment"] == "release" for name in ("image", "chart", "page"))
