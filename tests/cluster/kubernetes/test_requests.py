"""What a real API server keeps of a verb's annotation: who wrote it, whether a manifest holds it, and its words."""

import json
from typing import Any

import pytest
from mlrollout.adapters.kubernetes import Client, KubernetesObjects
from mlrollout.domain.annotations import REMOVED, removed, requests
from mlrollout.domain.request import Request

from tests.support.clocks import SystemClock
from tests.support.places import Place
from tests.support.sample import MINIMAL

TEXTS = {
    "comparison": "errors > 5 % & <latency>",
    "quotes": """it's "down", say 'they' \\ `we`""",
    "emoji": "🚑👩‍🚒 위험 — détour",
    "lines": "one\ntwo\r\n\tthree",
    "control characters": "a\x01b\x1b[31mc\x7fd\x85\u2028e\u202ef",
    "nothing": "",
    "much": "because " * 25_000,
}
NAME = "mlrollout.dev/{}"


@pytest.fixture
def objects(admin: Client) -> KubernetesObjects:
    return KubernetesObjects(admin, SystemClock(), "operator-1")


class Words:
    """Annotates and applies as people and their tools do, with the real kubectl."""

    def __init__(self, place: Place, objects: KubernetesObjects) -> None:
        self.place = place
        self.objects = objects

    async def read(self) -> dict[str, Request]:
        return dict(requests((await self.objects.get(self.place.ref()))["metadata"]))

    async def remove(self, *verbs: str, **noted: str) -> None:
        stands = await self.objects.get(self.place.ref())
        changes = {NAME.format(verb): None for verb in verbs} | {REMOVED: noted.get("noted")}
        await self.objects.change_annotations(self.place.ref(), stands["metadata"]["resourceVersion"], changes)

    def annotate(self, verb: str, text: str) -> None:
        patch = json.dumps({"metadata": {"annotations": {NAME.format(verb): text}}})
        if len(text) < 1000:
            self.place.kubectl("annotate", "mlr", "ml-dispatch", f"{NAME.format(verb)}={text}", "--overwrite")
        else:  # more than a command line takes
            file = self.place.control_plane.directory / f"{self.place.namespace}.json"
            file.write_text(patch)
            self.place.kubectl("patch", "mlr", "ml-dispatch", "--type=merge", f"--patch-file={file}")

    def apply(self, *how: str, revision: str = "ranker-1", **verbs: str) -> None:
        annotations = {NAME.format(verb): text for verb, text in verbs.items()}
        metadata = {"name": "ml-dispatch", "namespace": self.place.namespace, "annotations": annotations}
        manifest = MINIMAL | {"metadata": metadata, "spec": MINIMAL["spec"] | {"revision": revision}}
        self.place.control_plane.kubectl("apply", *how, "-f", "-", input=json.dumps(manifest))


@pytest.fixture
def words(place: Place, objects: KubernetesObjects) -> Words:
    return Words(place, objects)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
async def test_any_words_are_a_request_and_can_be_removed_and_said_again(
    words: Words, admin: Client, text: str
) -> None:
    await words.place.create(admin)
    for _ in range(2):
        words.annotate("rollback", text)
        request = (await words.read())["rollback"]
        assert (request.text, request.manifest) == (text, "")

        await words.remove("rollback", noted="token@1")

        stands = (await words.objects.get(words.place.ref()))["metadata"]
        assert requests(stands) == {}
        assert removed(stands) == {"token@1"}


async def test_the_same_words_of_the_same_writer_are_told_from_others(words: Words, admin: Client) -> None:
    await words.place.create(admin)
    words.annotate("promote", "so be it")
    first = (await words.read())["promote"]
    words.annotate("approve", "so be it")
    words.place.kubectl("annotate", "mlr", "ml-dispatch", "team=y")
    assert (await words.read())["promote"] == first, "what else its writer does to the object makes no new request"

    words.annotate("promote", "so be it!")
    assert (await words.read())["promote"].id != first.id
    await words.remove("promote")
    words.place.kubectl(
        "annotate", "mlr", "ml-dispatch", f"{NAME.format('promote')}=so be it", "--field-manager=somebody-else"
    )
    assert (await words.read())["promote"].id != first.id
    await words.remove("promote")
    words.annotate("promote", "so be it")
    assert (await words.read())["promote"].id == first.id


APPLIES: dict[str, Any] = {
    "server-side": (("--server-side",), "kubectl"),
    "server-side by a tool": (("--server-side", "--field-manager=kustomize-controller"), "kustomize-controller"),
    "client-side": ((), "kubectl-client-side-apply"),
}


@pytest.mark.parametrize(("how", "manager"), APPLIES.values(), ids=APPLIES)
async def test_a_verb_in_a_manifest_is_known_to_stand_there(words: Words, how: tuple[str, ...], manager: str) -> None:
    words.apply(*how)
    words.apply(*how, retry="once more > 1")
    assert (await words.read())["retry"].manifest == manager

    words.apply(*how, retry="once more > 1", revision="ranker-2")
    assert (await words.read())["retry"].manifest == manager

    await words.remove("retry")
    words.apply(*how, retry="once more > 1")
    assert (await words.read())["retry"].manifest == manager, "put back by the applier"

    words.apply(*how)
    assert await words.read() == {}


@pytest.mark.parametrize(("how", "manager"), APPLIES.values(), ids=APPLIES)
async def test_who_asks_by_hand_is_not_taken_for_the_manifest(words: Words, how: tuple[str, ...], manager: str) -> None:
    words.apply(*how, retry="applied")
    words.annotate("retry", "by hand")
    assert (await words.read())["retry"].manifest == ""

    await words.remove("retry")
    words.annotate("retry", "applied")
    assert (await words.read())["retry"].manifest == "", "the same words, set by hand after the removal"

    words.annotate("promote", "by hand as well")
    found = await words.read()
    assert (found["promote"].manifest, manager in str(found["promote"])) == ("", False)


async def test_without_managed_fields_the_words_and_the_last_applied_manifest_are_what_there_is(words: Words) -> None:
    words.apply(retry="x")
    words.annotate("promote", "y")
    patch = '{"metadata":{"managedFields":[{}]}}'
    words.place.kubectl("patch", "mlr", "ml-dispatch", "--type=merge", "-p", patch)

    found = await words.read()

    assert found["retry"].manifest == "kubectl apply"
    assert found["promote"].manifest == ""
    assert found["promote"].id != found["retry"].id
