"""What Kubernetes' own schemas say of a manifest; a field that they don't know is an error, as for an API server."""

import functools
import json
from typing import Any

import jsonschema_rs

from devstack import modules


def complaints(manifest: dict[str, Any], version: str) -> list[str]:
    """What is wrong with a manifest of a kind of its own for this version of Kubernetes."""
    validator = _validator(version, manifest["apiVersion"], manifest["kind"])
    return [f"{'/'.join(map(str, found.instance_path))}: {found.message}" for found in validator.iter_errors(manifest)]


@functools.cache
def _validator(version: str, api_version: str, kind: str) -> jsonschema_rs.Validator:
    group, _, number = api_version.rpartition("/")
    name = f"apis__{group}__{number}" if group else f"api__{number}"
    file = modules.folder(modules.KUBERNETES, version) / "api" / "openapi-spec" / "v3" / f"{name}_openapi.json"
    schemas = json.loads(file.read_text())["components"]["schemas"]
    (found,) = [name for name, schema in schemas.items() if _is(schema, group, number, kind)]
    whole = {"$ref": f"#/components/schemas/{found}", "components": {"schemas": schemas}}
    return jsonschema_rs.Draft7Validator(_strict(whole), validate_formats=False)


def _is(schema: dict[str, Any], group: str, version: str, kind: str) -> bool:
    whose = {"group": group, "version": version, "kind": kind}
    return whose in schema.get("x-kubernetes-group-version-kind", [])


def _strict(schema: Any) -> Any:
    """The same, closed: what has fields has no others."""
    if isinstance(schema, list):
        return [_strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _strict(value) for name, value in schema.items()}
    if isinstance(schema.get("properties"), dict):
        closed.setdefault("additionalProperties", False)
    if schema.get("format") == "int-or-string":
        return {"type": ["integer", "string"]}
    return closed
