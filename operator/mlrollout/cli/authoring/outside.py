"""What an API server refuses of an object outside of its spec, and what does harm there: names, labels, annotations."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from mlrollout import plain
from mlrollout.api import GROUP, KIND, VERSION
from mlrollout.api.crd import schema
from mlrollout.domain.annotations import unknown_verbs
from mlrollout.domain.request import Verb
from mlrollout.lint.finding import Finding, Level

from .manifests import Manifest
from .shape import meant, without_nulls

_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"(?=.{{1,253}}$){_LABEL.replace('{0,61}', '*')}(\.{_LABEL.replace('{0,61}', '*')})*")
_SPACE = re.compile(_LABEL)
_KEY = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_VALUE = re.compile(rf"({_KEY.pattern})?")
_NAMED = "write a-z, 0-9, - and . alone, with a letter or digit at begin and end"
_KEYED = "write letters, digits, -, _ and . alone, 63 at most; before them a domain and a / may stand"
_FIELDS = (
    "name",
    "generateName",
    "namespace",
    "labels",
    "annotations",
    "finalizers",
    "ownerReferences",
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
)
"""Of `metadata`, those that people write first."""
_VERBS = {f"{GROUP}/{verb}": verb for verb in Verb}
_ALWAYS = "as long as it stands in a manifest, every attempt is taken to zero, also that of a new revision"
_IGNORED = "kept in a manifest, it would be asked for with every apply, so it is ignored"
_ASK = "take it out, and ask by kubectl mlrollout {verb} or kubectl annotate"


def outside(found: Mapping[str, object]) -> Iterator[Finding]:
    """Everything of it in an object, as it is written."""
    served = f"{GROUP}/{VERSION}"
    if found.get("apiVersion") != served:
        yield Finding(Level.ERROR, "apiVersion", f"there is no such version of {KIND}", f"write {served}")
    known = schema()["properties"]
    for name in found:
        if name not in known:
            yield Finding(Level.ERROR, str(name), plain.UNKNOWN, meant(str(name), known))
    metadata = without_nulls(found.get("metadata"))
    if not metadata and (metadata is None or isinstance(metadata, dict)):
        yield Finding(Level.ERROR, "metadata", "it is empty, and has to name the object", "write name and namespace")
    elif isinstance(metadata, dict):
        yield from _metadata(metadata)
    else:
        yield Finding(Level.ERROR, "metadata", plain.OBJECT)


def doubled(found: Sequence[Manifest]) -> Mapping[int, Finding]:
    """Objects that are in these twice, by their place: applied together, the last alone is left of them."""
    seen: dict[str, list[Manifest]] = defaultdict(list)
    told = {}
    for place, one in enumerate(found):
        before = seen[str(one)]
        if before and one.name:
            message = f"the same object is in {before[0].file} already: of all that are applied, the last alone stands"
            told[place] = Finding(Level.WARNING, "metadata.name", message, "leave one, or name them apart")
        before.append(one)
    return told


def _metadata(metadata: Mapping[str, object]) -> Iterator[Finding]:
    for name in metadata:
        if name not in _FIELDS:
            yield Finding(Level.ERROR, f"metadata.{name}", plain.UNKNOWN, meant(str(name), _FIELDS[:7]))
    yield from _names(metadata)
    for where in ("labels", "annotations"):
        yield from _texts(f"metadata.{where}", metadata.get(where, {}))
    annotations = metadata.get("annotations")
    if isinstance(annotations, dict):
        yield from _verbs(annotations)


def _names(metadata: Mapping[str, object]) -> Iterator[Finding]:
    """What the object and its namespace are called. Of a name that is generated, the rest comes behind a -."""
    name, begin, space = (metadata.get(field, "") for field in ("name", "generateName", "namespace"))
    if name == "" and begin == "":
        yield Finding(Level.ERROR, "metadata.name", plain.MISSING, "write what the object is called")
    ends = {"metadata.name": name, "metadata.generateName": f"{begin}x" if begin and isinstance(begin, str) else begin}
    for where, called in ends.items():
        yield from _named(where, called, _NAME)
    yield from _named("metadata.namespace", space, _SPACE)


def _named(where: str, called: object, form: re.Pattern[str]) -> Iterator[Finding]:
    if not isinstance(called, str):
        yield Finding(Level.ERROR, where, plain.TEXT)
    elif called and not form.fullmatch(called):
        named = (
            _NAMED if form is _NAME else _NAMED.replace(", - and .", " and -").replace(" alone", " alone, 63 at most")
        )
        yield Finding(Level.ERROR, where, "nothing can be called so", named)


def _texts(where: str, found: object) -> Iterator[Finding]:
    """Labels, or annotations."""
    if not isinstance(found, dict):
        yield Finding(Level.ERROR, where, plain.OBJECT)
        return
    for key, value in found.items():
        at = f"{where}[{key}]"
        domain, slash, name = str(key).rpartition("/")
        if not isinstance(key, str) or not _KEY.fullmatch(name) or (slash and not _NAME.fullmatch(domain.lower())):
            yield Finding(Level.ERROR, at, "nothing can be called so", _KEYED)
        elif not isinstance(value, str):
            yield Finding(Level.ERROR, at, plain.TEXT)
        elif where.endswith("labels") and not _VALUE.fullmatch(value):
            yield Finding(Level.ERROR, at, "no label can have that value", _KEYED.partition(";")[0])


def _verbs(annotations: Mapping[str, object]) -> Iterator[Finding]:
    """Verbs, which are asked for once and do not belong in a manifest, and what is taken for one."""
    for name in annotations:
        if name in _VERBS:
            verb = _VERBS[name]
            harm = _ALWAYS if verb is Verb.ROLLBACK else _IGNORED
            yield Finding(Level.WARNING, f"metadata.annotations[{name}]", harm, _ASK.format(verb=verb))
    for alert in unknown_verbs({"annotations": {str(name): "" for name in annotations}}):
        yield Finding(Level.WARNING, "metadata.annotations", alert.message)
