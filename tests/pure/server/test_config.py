"""The server's files: what is wrong is told by its place, with what to do."""

import re
from pathlib import Path

import pytest
import yaml
from mlrollout.server.auth.loopback import or_loopback
from mlrollout.server.auth.tokens import new, read
from mlrollout.server.config import Config, load
from mlrollout.startup.settings import SettingsError

ONE = {"name": "ml-dispatch", "key": "ml_dispatch:rollout_percentage"}


def loaded(folder: Path, **told: object) -> Config:
    file = folder / "server.yaml"
    file.write_text(yaml.safe_dump({"rollouts": [ONE], **told}))
    return load(file)


def test_a_name_and_a_key_suffice(tmp_path: Path) -> None:
    config = loaded(tmp_path)
    (entry,) = config.rollouts
    assert config.listen == "127.0.0.1:8090"
    assert (entry.salt, entry.prefix, entry.object) == ("", "ml_dispatch", None)
    assert (entry.values.control, entry.values.treatment) == (False, True)
    assert (config.prometheus, config.tokens, config.origins) == ("", None, frozenset())


def test_the_example_of_the_docs_is_read(tmp_path: Path) -> None:
    page = Path(__file__).parents[3].joinpath("docs", "server.md").read_text()
    file = tmp_path / "server.yaml"
    file.write_text(re.findall(r"```yaml\n(listen:.*?)```", page, re.DOTALL)[0])
    config = load(file)
    assert set(yaml.safe_load(file.read_text())) == set(Config.model_fields)
    assert config.rollouts[0].object is not None


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"rollouts": []}, "rollouts: "),
        ({"rollouts": [{"name": "a"}]}, r"rollouts\[0\].key is missing: add it"),
        ({"rollouts": [ONE, {**ONE, "slat": "x"}]}, r"rollouts\[1\].slat is no setting: correct its name"),
        ({"redis": "redis://:hunter2@redis"}, "redis is no setting"),
        ({"rollouts": [ONE, ONE]}, "ml-dispatch stands there twice: give each a name of its own"),
        ({"rollouts": [{**ONE, "name": "a b"}]}, r"rollouts\[0\].name: 'a b' can't stand in a path"),
        ({"rollouts": [{**ONE, "name": "../etc"}]}, "can't stand in a path"),
        ({"rollouts": [{**ONE, "name": "/a"}]}, "can't stand in a path"),
        ({"rollouts": [{**ONE, "key": ""}]}, r"rollouts\[0\].key: "),
        ({"rollouts": [{**ONE, "staff": "kim"}]}, r"rollouts\[0\].staff"),
        ({"rollouts": [{**ONE, "staff": ["kim", ""]}]}, "an id is nobody's: it is empty"),
        ({"rollouts": [{**ONE, "revision": 7}]}, r"rollouts\[0\].revision"),
        ({"rollouts": [{**ONE, "metrics": "ml-dispatch"}]}, r"rollouts\[0\].metrics: "),
        ({"rollouts": [{**ONE, "values": {"treatment": "on"}}]}, r"rollouts\[0\].values: .*must be of one type"),
        ({"rollouts": [{**ONE, "values": {"control": 1, "treatment": 1.5}}]}, "must be of one type"),
        ({"rollouts": [{**ONE, "values": {"control": [1], "treatment": [2]}}]}, r"rollouts\[0\].values"),
        ({"rollouts": [{**ONE, "values": {"control": float("nan"), "treatment": 1.0}}]}, r"rollouts\[0\].values"),
        ({"rollouts": [{**ONE, "object": {"name": "a"}}]}, r"rollouts\[0\].object.namespace is missing"),
        ({"listen": "8090"}, "listen: '8090' is no address to listen on: write host:port"),
        ({"origins": ["dispatch.example.com"]}, r"origins\[0\]: .* is no origin: write scheme and host alone"),
        ({"origins": ["*"]}, "is no origin"),
        ({"rate": 0}, "rate: "),
    ],
)
def test_what_makes_no_sense_is_told(tmp_path: Path, told: dict[str, object], why: str) -> None:
    with pytest.raises(SettingsError, match=why) as refused:
        loaded(tmp_path, **told)
    assert f"the configuration {tmp_path}/server.yaml: " in str(refused.value)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"rollouts: [", r"is no YAML \(line 1\)"),
        (b"host: 2026-02-30", "is no YAML"),
        (b"host: !!bool x", "is no YAML"),
        (b"\xff\xfe", "is no text in UTF-8"),
        (b"", "the file: "),
        (b"- a", "the file: "),
        (b"!!python/object/apply:os.system [exit]", "is no YAML"),
    ],
)
def test_what_is_no_such_file_is_told(tmp_path: Path, content: bytes, why: str) -> None:
    file = tmp_path / "server.yaml"
    file.write_bytes(content)
    with pytest.raises(SettingsError, match=why):
        load(file)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"can't be read \(No such file or directory\): correct the path"):
        load(tmp_path / "missing")


# --- tokens ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ['the "app"', "a😀", "배차: {a}, #1", "x\u2028\x85\ty", "a " * 250])
def test_a_new_tokens_line_is_one_of_the_file_and_holds_no_token(tmp_path: Path, name: str) -> None:
    token, line = new(name, ["assign"])
    file = tmp_path / "tokens.yaml"
    file.write_text(line)
    read(file)
    assert token not in line
    assert len(token) >= 43
    assert yaml.safe_load(line)[0]["name"] == name
    assert "\n" not in line


@pytest.mark.parametrize("name", ["", "x" * 513])
def test_there_is_no_token_whose_line_the_server_would_refuse(name: str) -> None:
    with pytest.raises(SettingsError, match="that can be no token's: String should have at"):
        new(name, ["assign"])


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("- {name: a, roles: [assign], sha256: hunter2}", r"\[0\].sha256: "),
        ("- {name: a, roles: [root], sha256: " + "0" * 64 + "}", r"\[0\].roles"),
        ("- {name: a, roles: [], sha256: " + "0" * 64 + "}", r"\[0\].roles"),
        ("- {name: a, roles: [admin], token: hunter2}", r"\[0\].token is no setting"),
        ("hunter2", "the file: "),
    ],
)
def test_a_wrong_line_is_told_without_what_may_be_a_token(tmp_path: Path, line: str, why: str) -> None:
    file = tmp_path / "tokens.yaml"
    file.write_text(line)
    with pytest.raises(SettingsError, match=why) as refused:
        read(file)
    assert "hunter2" not in str(refused.value)


def test_there_is_no_token_for_a_role_that_does_not_exist() -> None:
    with pytest.raises(SettingsError, match="no role root: there are assign, rate, view, admin"):
        new("a", ["root"])


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "localhost:1", "[::1]:1", "127.9.9.9:1"])
def test_without_tokens_the_servers_own_machine_is_answered(tmp_path: Path, listen: str) -> None:
    assert len(or_loopback(loaded(tmp_path, listen=listen), [])) == 1


@pytest.mark.parametrize("listen", ["0.0.0.0:1", ":1", "[::]:1", "10.0.0.1:1", "example.com:1"])
def test_without_tokens_nobody_else_is(tmp_path: Path, listen: str) -> None:
    with pytest.raises(SettingsError, match="nothing says who may: set tokens in the configuration"):
        or_loopback(loaded(tmp_path, listen=listen), [])
