"""`mlrollout lint`: manifests are read, looked through, and, where there is a Prometheus, asked about."""

import asyncio
import json
import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mlrollout.adapters.prometheus import PrometheusSource
from mlrollout.adapters.prometheus_access import by_environment
from mlrollout.api import KIND
from mlrollout.api.guardrail import Guardrail
from mlrollout.api.spec import Spec
from mlrollout.domain.partial import refused, understand
from mlrollout.domain.request import one_line
from mlrollout.evidence.checks.check import Unmeasurable
from mlrollout.evidence.checks.kinds import check_of
from mlrollout.evidence.checks.memory import BlockSamples
from mlrollout.evidence.checks.sequential import SCRAPE, SequentialCheck
from mlrollout.evidence.measurement import Verdict
from mlrollout.evidence.statistics.counting.uncountable import UncountableError
from mlrollout.lint.finding import Finding, Level
from mlrollout.lint.lint import merged, of_measurement, of_spec
from mlrollout.ports import QueryRefusedError, SourceError
from mlrollout.runtime.measuring import measure
from mlrollout.runtime.steady_clock import SteadyClock
from mlrollout.simulate.load import Load
from mlrollout.simulate.power import weaknesses

from . import lines
from .manifests import Manifest, UnreadableInputError, manifests
from .outside import doubled, outside
from .shape import misshapen

_LEVELS = {Level.ERROR: "error", Level.WARNING: "warning", Level.ADVICE: "notice"}
_IN_TEXT = "%\r\n"
_IN_PROPERTIES = "%\r\n:,"
COUNTED = 600.0
"""Seconds over which counters are looked at: a gauge falls some times in them."""


@dataclass(frozen=True, slots=True)
class ManifestFindings:
    """What was found in one object."""

    manifest: Manifest
    findings: tuple[Finding, ...]


def run(files: Sequence[str], prometheus: str | None, load: Load | None = None) -> Sequence[ManifestFindings]:
    """What is found in every `MLRollout` of these files.

    Args:
        files: The files; `-` for standard input.
        prometheus: The address of a Prometheus to ask; `None` for none.
        load: The traffic at which guardrails have to do their work; `None` for none to be simulated.

    Raises:
        UnreadableInputError: A file, or the address of the Prometheus, can't be used, or no file holds an `MLRollout`.
    """
    found = [manifest for file in dict.fromkeys(files) for manifest in manifests(file)]
    if not found:
        raise UnreadableInputError(f"no {KIND} in {', '.join(files)}")
    twice = doubled(found)
    looked = [
        ManifestFindings(one.manifest, (twice[place], *one.findings)) if place in twice else one
        for place, one in enumerate(asyncio.run(_look(found, prometheus)))
    ]
    return looked if load is None else [_simulated(one, load) for one in looked]


def is_wrong(found: Iterable[ManifestFindings]) -> bool:
    """Whether anything was found that is more than advice."""
    return any(finding.level is not Level.ADVICE for one in found for finding in one.findings)


def as_text(found: Sequence[ManifestFindings]) -> str:
    """A line for each finding."""
    lines = [
        one_line(f"{one.manifest.file}: {one.manifest}: {finding.level}: {finding}")
        for one in found
        for finding in one.findings
    ]
    return "\n".join(lines) or f"nothing found in {len(found)} {KIND}"


def as_json(found: Sequence[ManifestFindings]) -> str:
    """The same for programs."""
    findings = [
        {"file": one.manifest.file, "object": str(one.manifest), **asdict(finding)}
        for one in found
        for finding in one.findings
    ]
    return json.dumps({"objects": len(found), "findings": findings}, indent=2, ensure_ascii=False)


def as_github(found: Sequence[ManifestFindings]) -> str:
    """The same as annotations of GitHub's: it shows each beside its line of a pull request."""
    return "\n".join(_annotation(one.manifest, finding) for one in found for finding in one.findings)


def _annotation(manifest: Manifest, finding: Finding) -> str:
    line = lines.line(manifest.node, finding.where)
    named = {"file": manifest.file, "line": str(line), "title": one_line(f"{manifest}: {finding.where}")}
    properties = ",".join(
        f"{name}={_escaped(value, _IN_PROPERTIES)}"
        for name, value in named.items()
        if name == "title" or (manifest.file != "-" and line)
    )
    told = f"{finding.message}; {finding.remedy}" if finding.remedy else finding.message
    return f"::{_LEVELS[finding.level]} {properties}::{_escaped(one_line(told), _IN_TEXT)}"


def _escaped(text: str, signs: str) -> str:
    return "".join(f"%{ord(one):02X}" if one in signs else one for one in text)


def _simulated(found: ManifestFindings, load: Load) -> ManifestFindings:
    """What was found, with what guardrails can't do at this traffic."""
    spec = understand(found.manifest.spec).spec
    if spec is None or not spec.stages:
        return found
    weak = weaknesses(spec, load, SCRAPE)
    more = [Finding(Level.WARNING, one.where, one.message, one.remedy) for one in weak]
    return ManifestFindings(found.manifest, (*found.findings, *more))


async def _look(found: Sequence[Manifest], prometheus: str | None) -> Sequence[ManifestFindings]:
    if prometheus is None:
        return [ManifestFindings(manifest, _read(manifest)[1]) for manifest in found]
    try:
        source = PrometheusSource(prometheus, by_environment())
    except ValueError as error:
        raise UnreadableInputError(f"--prometheus: {error}") from error
    try:
        findings_of = []
        for manifest in found:
            spec, findings = _read(manifest)
            guardrails = () if spec is None else spec.guardrails
            asked = await asyncio.gather(*(_ask(guardrail, source) for guardrail in guardrails))
            findings_of.append(ManifestFindings(manifest, merged(findings, *asked)))
        return findings_of
    finally:
        await source.close()


def _read(manifest: Manifest) -> tuple[Spec | None, tuple[Finding, ...]]:
    """The spec, or what of it can be understood, and what it shows by itself."""
    read = understand(manifest.spec)
    shape = tuple(misshapen(manifest.spec))
    told = {finding.where for finding in shape}
    broken = (Finding(Level.ERROR, where or "spec", what) for where, what in refused(manifest.spec))
    wrong = (*outside(manifest.found), *shape, *(one for one in broken if one.where not in told))
    return read.spec, wrong + (of_spec(read.spec) if read.spec is not None else ())


async def _count(check: SequentialCheck[Any, Any, Any], source: PrometheusSource, where: str) -> Sequence[Finding]:
    """Whether what a guardrail's selectors match can be counted, over the last minutes."""
    end, deadline = math.floor(time.time()), check.guardrail.deadline
    begin = end - COUNTED
    questions = check.questions(begin, end)
    try:
        answers = await asyncio.gather(
            *(source.query(one.promql, deadline=deadline, at=one.at) for one in questions.values())
        )
        series = {name: answer.series for name, answer in zip(questions, answers, strict=True)}
        check.count(BlockSamples(series, begin, end))
    except QueryRefusedError as error:
        return (Finding(Level.ERROR, where, str(error)),)
    except SourceError as error:
        return (Finding(Level.WARNING, where, f"{Verdict.ERROR} now: {error}"),)
    except UncountableError as error:
        verdict = Verdict.NO_DATA if error.reason.silent else Verdict.ERROR
        return (Finding(Level.WARNING, where, f"{verdict} now: {error.words}"),)
    return ()


async def _ask(guardrail: Guardrail, source: PrometheusSource) -> Sequence[Finding]:
    """What a guardrail's answer shows now."""
    check = check_of(guardrail)
    if isinstance(check, Unmeasurable):
        return ()
    where = f"guardrails[{guardrail.name}]"
    if isinstance(check, SequentialCheck):
        return await _count(check, source, f"{where}.{guardrail.MARK}")
    found = await measure(check, source, since=0.0, clock=SteadyClock())
    if found.refused:
        return (Finding(Level.ERROR, where, found.message),)
    told = (
        ()
        if found.verdict is Verdict.PASS
        else (Finding(Level.WARNING, where, f"{found.verdict} now: {found.message}"),)
    )
    return (*told, *of_measurement(guardrail, found))
