"""The registry's REST API, by a double that answers truly, and by one that does not."""

import pytest
from learner import registry
from learner.registry import LARGEST, Registry, RegistryError

from tests.dispatch.learner.registry_double import RegistryDouble

NESTED = b"[" * 100_000


def test_a_version_is_registered_and_an_alias_names_it(double: RegistryDouble) -> None:
    asked = Registry(double.url, "dispatch", token="secret")  # noqa: S106
    assert asked.version_of("candidate") is None

    first = asked.register("dispatch:///models", "learned", {"e_value": "21.5"})
    second = asked.register("dispatch:///models", "learned on", {})
    asked.point("candidate", second)

    assert (first, second, asked.version_of("candidate")) == ("1", "2", "2")
    assert double.versions[0]["tags"] == [{"key": "e_value", "value": "21.5"}]
    assert {headers["Authorization"] for headers in double.asked} == {"Bearer secret"}


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>Sign in</html>"),
        (200, b""),
        (200, b"null"),
        (200, b"[]"),
        (200, NESTED),
        (200, b"{}"),
        (200, b'{"model_version": 7}'),
        (200, b'{"model_version": {"version": 7}}'),
        (200, b'{"model_version": {"version": ""}}'),
        (200, b'{"model_version": {"version": "../../etc/passwd"}}'),
        (200, b'{"model_version": {"version": "1\\n2"}}'),
        (200, b'{"model_version": {"version": "%s"}}' % (b"9" * 100_000)),
        (200, b'{"model_version": {"version": "1"}}' + b" " * LARGEST),
        (200, b"\xff\xfe"),
        (302, b""),
        (401, b"who are you?"),
        (403, b'{"error_code": "PERMISSION_DENIED"}'),
        (404, b"<html>nothing here</html>"),
        (404, NESTED),
        (500, b'{"error_code": ["x"]}'),
        (503, b""),
    ],
    ids=lambda value: str(value)[:32],
)
def test_an_answer_that_is_none_is_an_error_and_no_version(double: RegistryDouble, status: int, body: bytes) -> None:
    double.answer = (status, body)
    asked = Registry(double.url, "dispatch")

    with pytest.raises(RegistryError) as told:
        asked.version_of("candidate")
    assert len(str(told.value)) < 300
    with pytest.raises(RegistryError):
        asked.register("dispatch:///models", "", {})


def test_a_model_that_is_not_there_has_no_version(double: RegistryDouble) -> None:
    double.answer = (404, b'{"error_code": "RESOURCE_DOES_NOT_EXIST"}')

    assert Registry(double.url, "dispatch").version_of("candidate") is None


def test_one_that_hangs_or_is_away_is_waited_for_no_longer_than_its_time(
    double: RegistryDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "SECONDS", 0.2)
    double.hangs = 1.0

    for address in (double.url, "http://127.0.0.1:9"):
        with pytest.raises(RegistryError, match="can't be asked"):
            Registry(address, "dispatch").version_of("candidate")
