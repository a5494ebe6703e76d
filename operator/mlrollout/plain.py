"""What pydantic refuses, in words of what was written and not of the language that reads it. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic_core import ErrorDetails

FORMS: Mapping[str, str] = {
    r"^[!-~]+$": "it may have printable ASCII characters alone, and no spaces",
    r"^https?://[^\s@]+$": "write it with http:// or https:// at its begin, without spaces, user name or password",
    r"^[A-Za-z0-9_.-]+$": "it may have letters, digits, _, . and - alone",
    r"^(/[^\s]*)?$": "write it with / at its begin, without spaces",
    r"^[0-9]+([.][0-9]+)?([eE][-+]?[0-9]+)?$": "write it as a number in quotes, such as '2' or '0.5'",
    r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$": "it may have a-z, 0-9 and - alone, and begins and ends with no -",
    r"^[a-zA-Z_][a-zA-Z0-9_]*$": "it may have letters, digits and _ alone, and begins with no digit",
}
"""By the pattern of a text: what it asks for."""
OBJECT, LIST, TEXT = (
    "write it as an object, with fields of its own",
    "write it as a list",
    "write it as text, in quotes",
)
NUMBER = "write it as a number, without quotes"
WHOLE = "write it as a whole number, without quotes"
YES_OR_NO = "write true or false, without quotes"
MISSING, UNKNOWN = "it is missing", "there is no such field"
_WORDS: Mapping[str, str] = {
    "missing": MISSING,
    "extra_forbidden": UNKNOWN,
    **dict.fromkeys(("model_type", "model_attributes_type", "dict_type", "mapping_type"), OBJECT),
    **dict.fromkeys(("tuple_type", "list_type", "iterable_type"), LIST),
    **dict.fromkeys(("string_type", "string_sub_type", "string_unicode"), TEXT),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float", "int_parsing_size"), WHOLE),
    **dict.fromkeys(("float_type", "float_parsing"), NUMBER),
    **dict.fromkeys(("bool_type", "bool_parsing"), YES_OR_NO),
    "finite_number": "write it as a finite number",
    "enum": "write {expected}",
    "literal_error": "write {expected}",
    "greater_than": "it has to be more than {gt:.12g}",
    "greater_than_equal": "it has to be {ge:.12g} or more",
    "less_than": "it has to be less than {lt:.12g}",
    "less_than_equal": "it has to be {le:.12g} or less",
    "string_too_long": "it is longer than {max_length} characters",
    "too_long": "it has {actual_length}, and may have {max_length} at most",
}
"""By the type of an error: what it means for whoever wrote the value."""


def plain(error: ErrorDetails) -> str:
    """What is wrong with a value; where nothing is known of the type of the error, in pydantic's words."""
    kind, context = error["type"], error.get("ctx", {})
    if kind in _WORDS:
        return _WORDS[kind].format_map(context)
    if kind in _SAID:
        return _SAID[kind](context)
    return error["msg"].replace("Input should", "it should").replace("String should", "it should")


def _too_short(context: Mapping[str, Any]) -> str:
    least = context["min_length"]
    return "it is empty" if least == 1 else f"it is shorter than {least} characters"


def _too_few(context: Mapping[str, Any]) -> str:
    least, there = context["min_length"], context["actual_length"]
    return "it is empty: write one at least" if least == 1 else f"it has {there}, and needs {least} at least"


def _malformed(context: Mapping[str, Any]) -> str:
    pattern = context["pattern"]
    return FORMS.get(pattern, f"it does not have the form {pattern}")


_SAID: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "string_too_short": _too_short,
    "too_short": _too_few,
    "string_pattern_mismatch": _malformed,
    "value_error": lambda context: str(context["error"]),  # a rule of the object's own, which has its words
    "assertion_error": lambda context: str(context["error"]),
}
"""Where it takes more than what stands beside the error."""
