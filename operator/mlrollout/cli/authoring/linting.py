"""`mlrollout lint`: manifests are read, looked through, and, where there is a Prometheus, asked about."""

import asyncio
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from mlrollout.adapters.prometheus import PrometheusSource
from mlrollout.api import GROUP, KIND
from mlrollout.api.guardrail import Guardrail
from mlrollout.api.spec import Spec
from mlrollout.domain.partial import understand
from mlrollout.evidence.checks.check import Unmeasurable
from mlrollout.evidence.checks.kinds import check_of
from mlrollout.evidence.measurement import Verdict
from mlrollout.lint.finding import Finding, Level
from mlrollout.lint.lint import merged, of_measurement, of_spec
from mlrollout.runtime.measuring import measure
from mlrollout.runtime.steady_clock import SteadyClock


class UnreadableInputError(ValueError):
    """There is nothing to look through; the text says why."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """An `MLRollout` in a file."""

    file: str
    name: str
    spec: object


@dataclass(frozen=True, slots=True)
class ManifestFindings:
    """What was found in one object."""

    manifest: Manifest
    findings: tuple[Finding, ...]


def run(files: Sequence[str], prometheus: str | None) -> Sequence[ManifestFindings]:
    """What is found in every `MLRollout` of these files.

    Raises:
        UnreadableInputError: A file, or the address of the Prometheus, can't be used, or no file holds an `MLRollout`.
    """
    manifests = [manifest for file in files for manifest in _manifests(file)]
    if not manifests:
        raise UnreadableInputError(f"no {KIND} in {', '.join(files)}")
    return asyncio.run(_look(manifests, prometheus))


def is_wrong(found: Iterable[ManifestFindings]) -> bool:
    """Whether anything was found that is more than advice."""
    return any(finding.level is not Level.ADVICE for one in found for finding in one.findings)


def as_text(found: Sequence[ManifestFindings]) -> str:
    """A line for each finding."""
    lines = [
        f"{one.manifest.file}: {one.manifest.name}: {finding.level}: {finding}"
        for one in found
        for finding in one.findings
    ]
    return "\n".join(lines) or f"nothing found in {len(found)} {KIND}"


def as_json(found: Sequence[ManifestFindings]) -> str:
    """The same for programs."""
    findings = [
        {"file": one.manifest.file, "object": one.manifest.name, **asdict(finding)}
        for one in found
        for finding in one.findings
    ]
    return json.dumps({"objects": len(found), "findings": findings}, indent=2, ensure_ascii=False)


def _manifests(file: str) -> Iterator[Manifest]:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        documents = list(yaml.safe_load_all(text))
    except OSError as error:
        raise UnreadableInputError(f"{file} can't be read ({error.strerror})") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise UnreadableInputError(f"{file} is no YAML: {' '.join(str(error).split())}") from error
    for document in documents:
        yield from _objects(file, document)


def _objects(file: str, document: Any) -> Iterator[Manifest]:  # noqa: ANN401 - whatever YAML holds
    """The objects in a document, which may be a list of them; those of other kinds are none of ours."""
    if not isinstance(document, dict):
        return
    items = document.get("items")
    if document.get("kind") == "List" and isinstance(items, list):
        for item in items:
            yield from _objects(file, item)
    if document.get("kind") == KIND and str(document.get("apiVersion")).partition("/")[0] == GROUP:
        metadata = document.get("metadata")
        about = metadata if isinstance(metadata, dict) else {}
        name = "/".join(str(about[field]) for field in ("namespace", "name") if field in about)
        yield Manifest(file, name or "unnamed", document.get("spec"))


async def _look(manifests: Sequence[Manifest], prometheus: str | None) -> Sequence[ManifestFindings]:
    if prometheus is None:
        return [ManifestFindings(manifest, _read(manifest)[1]) for manifest in manifests]
    try:
        source = PrometheusSource(prometheus)
    except ValueError as error:
        raise UnreadableInputError(f"--prometheus: {error}") from error
    try:
        found = []
        for manifest in manifests:
            spec, findings = _read(manifest)
            guardrails = () if spec is None else spec.guardrails
            asked = await asyncio.gather(*(_ask(guardrail, source) for guardrail in guardrails))
            found.append(ManifestFindings(manifest, merged(findings, *asked)))
        return found
    finally:
        await source.close()


def _read(manifest: Manifest) -> tuple[Spec | None, tuple[Finding, ...]]:
    """The spec, or what of it can be understood, and what it shows by itself."""
    read = understand(manifest.spec)
    wrong = tuple(Finding(Level.ERROR, "spec", problem) for problem in read.problems)
    return read.spec, wrong + (of_spec(read.spec) if read.spec is not None else ())


async def _ask(guardrail: Guardrail, source: PrometheusSource) -> Sequence[Finding]:
    """What a guardrail's answer shows now."""
    check = check_of(guardrail)
    if isinstance(check, Unmeasurable) or guardrail.sequential:
        return ()
    found = await measure(check, source, since=0.0, clock=SteadyClock())
    where = f"guardrails[{guardrail.name}]"
    if found.refused:
        return (Finding(Level.ERROR, where, found.message),)
    told = (
        ()
        if found.verdict is Verdict.PASS
        else (Finding(Level.WARNING, where, f"{found.verdict} now: {found.message}"),)
    )
    return (*told, *of_measurement(guardrail, found))
