"""Public surfaces are documented: reasons, verbs, metrics, settings."""

import json
import re
import textwrap
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from mlrollout.api.guardrail import Guardrail
from mlrollout.api.kinds import KINDS
from mlrollout.cli.app import app
from mlrollout.domain.partial import refused
from mlrollout.domain.reason import Reason
from mlrollout.domain.request import Verb
from mlrollout.listening.metrics import ConnectionMetrics
from mlrollout.runtime.metrics import LEASE_HOLDER, OperatorMetrics
from mlrollout.runtime.object_metrics import FAMILIES
from mlrollout.runtime.web import PORT
from mlrollout.server.ab.operations import OPERATIONS as OPERATIONS_OF_THE_SERVER
from mlrollout.server.ab.operations import Operation, path
from mlrollout.server.metrics import ServerMetrics

from devstack.probe import OLDEST
from docs import cli_reference, http_reference, metrics, reasons

ROOT = Path(__file__).parents[2]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
SERVER = (ROOT / "docs" / "server.md").read_text()
PACKAGES = sorted(page.parent.name for page in (ROOT / "operator" / "mlrollout").glob("*/__init__.py"))


def test_the_oldest_versions_that_are_promised_are_the_oldest_that_the_tests_take() -> None:
    """The tests refuse an older one, so that what is promised is what was tried."""
    prometheus, redis = ".".join(map(str, OLDEST["prometheus"])), OLDEST["redis-server"][0]
    assert f"Prometheus {prometheus} and later." in (ROOT / "docs" / "evidence-rules.md").read_text()
    assert f"Redis or Valkey {redis} and later;" in (ROOT / "docs" / "redis-contract.md").read_text()
    promise = next(row for row in (ROOT / "SECURITY.md").read_text().splitlines() if "oldest versions" in row)
    assert re.findall(r"(\w+) in [a-z ]*\[", promise) == ["Kubernetes", "Redis", "Prometheus", "Python"]


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_is_documented(reason: Reason) -> None:
    assert f"`{reason}`" in OPERATIONS


def test_no_other_reason_is_documented() -> None:
    shown = set(re.findall(r"`([A-Z][a-z]+(?:[A-Z][a-z]+)+)`", OPERATIONS))
    conditions = {"GuardrailsHealthy", "TrafficApplied"}
    findings = {"NoData"}
    assert shown - conditions - findings <= set(Reason)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_guardrail_is_documented(kind: type[Guardrail]) -> None:
    assert f"\n| `{kind.MARK}` |" in (ROOT / "docs" / "evidence.md").read_text()


@pytest.mark.parametrize("verb", list(Verb))
def test_every_verb_is_documented(verb: Verb) -> None:
    assert f"| `{verb}` |" in OPERATIONS


@pytest.mark.parametrize("page", [metrics, reasons, cli_reference, http_reference], ids=lambda one: one.FILE.stem)
def test_a_page_that_is_made_from_the_code_is_what_the_code_says(page: Any) -> None:
    assert page.output() == page.FILE.read_text(), "run `make generate`"


def test_every_command_and_every_route_has_its_section() -> None:
    commands = re.findall("^### mlrollout (.+)$", cli_reference.FILE.read_text(), re.MULTILINE)
    assert len(commands) == len(set(commands))
    assert set(commands) >= OURS
    routes = http_reference.FILE.read_text()
    for operation in OPERATIONS_OF_THE_SERVER:
        assert f"\n`{operation.method} {path(operation, '{rollout}')}`\n" in routes


def test_no_page_names_a_metric_that_there_is_not() -> None:
    of_operator = OperatorMetrics().registry
    ConnectionMetrics(PORT, of_operator)
    registries = (of_operator, ServerMetrics().registry)
    families = [family for registry in registries for family in registry.collect()]
    real = {family.name + ("_total" if family.type == "counter" else "") for family in families}
    real |= {LEASE_HOLDER.name, *(family.name for family in FAMILIES)}
    for name in ("operations", "metrics", "alerts", "server"):
        page = ROOT / "docs" / f"{name}.md"
        named = re.findall(r"\bmlrollout_[a-z_]+\b(?!:)", page.read_text())
        assert {re.sub("_(bucket|count|sum)$", "", name) for name in named} <= real, page.name


@pytest.mark.parametrize("operation", OPERATIONS_OF_THE_SERVER, ids=lambda one: one.name)
def test_every_route_of_the_server_is_documented(operation: Operation) -> None:
    assert f"| `{operation.method} …/{operation.path}" in SERVER


def test_every_setting_is_documented() -> None:
    source = (ROOT / "operator" / "mlrollout" / "runtime" / "settings.py").read_text()
    for name in set(re.findall(r"MLROLLOUT_\w+", source)):
        assert f"`{name}`" in OPERATIONS


def test_links_in_the_docs_lead_somewhere() -> None:
    for page in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")):
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_each_decision_has_a_number_of_its_own_and_a_status() -> None:
    decisions = sorted((ROOT / "docs" / "adr").glob("*.md"))

    assert [int(page.name[:4]) for page in decisions] == list(range(1, len(decisions) + 1))
    for page in decisions:
        title, status = page.read_text().splitlines()[:3:2]
        assert title.startswith(f"# {int(page.name[:4])}. "), page.name
        assert re.fullmatch(r"Status: accepted, \d{4}-\d{2}-\d{2}.*", status), page.name


@pytest.mark.parametrize("package", PACKAGES)
def test_the_architecture_tells_where_everything_is(package: str) -> None:
    tree = (ROOT / "docs" / "architecture.md").read_text()
    told = re.search(rf"^  {package}/ .*\n((?:    +\w.*\n)*)", tree, re.MULTILINE)
    assert told is not None
    modules = {page.name for page in (ROOT / "operator" / "mlrollout" / package).rglob("*.py")} - {"__init__.py"}
    assert set(re.findall(r"^ +(\w+\.py) ", told[1], re.MULTILINE)) == modules


def _commands() -> list[tuple[str, str]]:
    """Each command of kubectl and mlrollout that a person is told to type, with the page that tells it."""
    examples = (page for page in (ROOT / "examples").rglob("*.[my][da]*") if "node_modules" not in page.parts)
    pages = (ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *examples)
    shown = r"(?:^[ #]*|`)((?:kubectl|mlrollout) [a-z][^`#\n]*)"
    return [(page.name, told) for page in pages for told in re.findall(shown, page.read_text(), re.MULTILINE)]


def test_commands_are_found_in_the_docs() -> None:
    assert {"README.md", "rollout.yaml", "rollout-production.yaml", "operations.md"} <= {
        page for page, _ in _commands()
    }


KUBECTL = {
    "annotate",
    "apply",
    "create",
    "delete",
    "describe",
    "edit",
    "exec",
    "explain",
    "get",
    "patch",
    "rollout",
    "wait",
}
OURS = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
OURS |= {str(group.name) for group in app.registered_groups}


@pytest.mark.parametrize(("page", "command"), _commands())
def test_a_command_that_is_told_exists_and_finds_its_object(page: str, command: str) -> None:
    program, verb, *rest = command.split()
    if (program, verb) == ("kubectl", "mlrollout"):
        assert not rest or rest[0] in OURS, page
        return
    assert verb in (KUBECTL if program == "kubectl" else OURS), page
    if program == "kubectl" and "ml-dispatch" in command.split():
        assert "-n dispatch" in command, page


PAGES = {
    str(page.relative_to(ROOT)): page.read_text()
    for page in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").glob("*/*.md"))
}
OF_PYTHON = ("application", "cli", "feature", "install", "openfeature", "server")
INSTALLING = ("README.md", *(f"docs/{name}.md" for name in OF_PYTHON))


@pytest.mark.parametrize("page", PAGES)
def test_the_package_is_installed_from_a_checkout_or_an_index_of_ones_own(page: str) -> None:
    """No public index has it, and another's package of its name would be installed from there."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    commands = re.findall(r"pipx? install\s+([^`#\n]*[^`#\n ])", PAGES[page])

    assert commands or page not in INSTALLING
    for command in commands:
        told = re.fullmatch(r"\.|'\.\[(\w+)]'|--index-url https://pypi\.example\.com/simple mlrollout", command)
        assert told, command
        assert told[1] is None or told[1] in extras, command


@pytest.mark.parametrize("page", INSTALLING)
def test_a_page_that_has_it_installed_says_that_no_public_index_has_it(page: str) -> None:
    assert "no public index has the package" in " ".join(PAGES[page].split()).lower()


def test_the_command_line_is_installed_before_it_is_used() -> None:
    for page in ("install.md", "tutorial-kind.md"):
        text = (ROOT / "docs" / page).read_text()
        assert text.index("pip install '.[cli]'") < text.index("\nkubectl mlrollout "), page


def test_the_operator_folder_is_no_package() -> None:
    # It would shadow the standard library's `operator` for everything started in the repository's root.
    assert not (ROOT / "operator" / "__init__.py").exists()


EXAMPLES = [
    pytest.param(language, text, id=f"{page.relative_to(ROOT)}-{number}")
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    if page.name != "sdk-reference.md"  # signatures, made from the code
    for number, (language, text) in enumerate(
        re.findall(r"^```(python|yaml|json)\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL), start=1
    )
]


@pytest.mark.parametrize(("language", "text"), EXAMPLES)
def test_an_example_can_be_read(language: str, text: str) -> None:
    match language:
        case "python":  # as a part of a function
            compile(f"async def example():\n{textwrap.indent(text, '    ')}", "example", "exec")
        case "yaml":
            found = [
                one for one in yaml.safe_load_all(text) if isinstance(one, dict) and one.get("kind") == "MLRollout"
            ]
            assert [refused(one["spec"]) for one in found] == [()] * len(found)
        case "json":
            json.loads(text)


def test_the_readme_shows_an_object_and_an_application() -> None:
    shown = [param.values for param in EXAMPLES if str(param.id).startswith("README")]
    assert [language for language, _ in shown] == ["yaml", "python"]
    key = next(iter(yaml.safe_load_all(str(shown[0][1]))))["spec"]["traffic"]["key"]
    assert f'"{key}"' in str(shown[1][1])
