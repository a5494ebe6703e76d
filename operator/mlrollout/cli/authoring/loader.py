"""YAML as `kubectl` reads it: what is a number, a date or a time there, and not in YAML 1.1, or the other way round."""

import re

import yaml

_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9_]*|0x[0-9a-fA-F_]+|0b[01_]+|0[0-7_]+)")
_DIFFERENT = {f"tag:yaml.org,2002:{kind}" for kind in ("float", "int", "timestamp")}


class ManifestLoader(yaml.SafeLoader):
    """A loader for which `1e3` is a number, and `2026-11-03` and `12:30` are text.

    PyYAML has it the other way round; a manifest that an API server takes would be called wrong.
    """


ManifestLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _DIFFERENT]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _kind, _pattern in (("int", _INT), ("float", _FLOAT)):
    ManifestLoader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_kind}", re.compile(f"(?:{_pattern.pattern})$"), list("-+0123456789.")
    )
