"""Claims on a key that another object has: read back as they were left, and ignored where they make no sense."""

from dataclasses import replace

import pytest
from mlrollout.domain.claim import Claim, decode_claim, encode_claim
from mlrollout.domain.decide import decide
from mlrollout.domain.decision import Observation
from mlrollout.domain.reason import Reason
from mlrollout.domain.record import LONGEST
from mlrollout.domain.state import State
from mlrollout.domain.traffic import Traffic

from tests.pure.domain.situations import world_at
from tests.pure.domain.specs import Edit
from tests.pure.domain.world import HOLDER, UID

NOW = 1_800_000_000.0
CLAIM = Claim("0d5f-1", HOLDER, "there")


@pytest.mark.parametrize("claim", [CLAIM, Claim("u", "a/b"), Claim("u", f"{'n' * 63}/{'x' * 253}")])
def test_a_claim_is_read_back(claim: Claim) -> None:
    assert decode_claim(encode_claim(claim).encode()) == claim


@pytest.mark.parametrize(
    "text",
    [
        *(None, b"", b"null", b"{", b"[]", b"7", b"\xff", b"[" * 100_000),
        *(b"{}", b'{"owner":"u"}', b'{"owner":"","holder":"a/b"}', b'{"owner":7,"holder":"a/b"}'),
        *(
            b'{"owner":"u","holder":"ab"}',
            b'{"owner":"u","holder":"a/b\\nc"}',
            b'{"owner":"u","holder":"a/b","cluster":1}',
        ),
        encode_claim(replace(CLAIM, cluster="x" * 65)).encode(),
        encode_claim(CLAIM).encode() + b" " * LONGEST,
    ],
)
def test_what_is_no_claim_is_none(text: bytes | None) -> None:
    assert decode_claim(text) is None


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        (CLAIM, [HOLDER, "0d5f-1", UID, "another cluster (uid of kube-system there; this one's is here)"]),
        (replace(CLAIM, holder="else/where", cluster="here"), ["else/where", "0d5f-1"]),
        (Claim("0d5f-1", "else/where"), ["else/where", "0d5f-1"]),
    ],
)
def test_who_has_a_key_hears_who_else_wants_it(claim: Claim, said: list[str]) -> None:
    state, traffic = _standing()
    decision = decide(Edit().spec, state, Observation(UID, HOLDER, traffic, cluster="here", claim=claim), NOW)
    (alert,) = (alert for alert in decision.alerts if alert.reason is Reason.KEY_CLAIMED)
    assert alert.warning
    assert [part for part in said if part not in alert.message] == []
    assert ("another cluster" in alert.message) == (claim.cluster == "there")


def test_it_is_not_told_by_who_wants_it_who_lost_it_or_who_can_t_know() -> None:
    state, traffic = _standing()
    assert traffic.record is not None
    lost = Traffic("30", replace(traffic.record, owner="0d5f-1", cluster="there", attempt=9))
    for stands, claim in (
        (traffic, None),
        (traffic, replace(CLAIM, owner=UID)),
        (lost, CLAIM),
        (None, CLAIM),
        (Traffic(None, None), CLAIM),
    ):
        decision = decide(Edit().spec, state, Observation(UID, HOLDER, stands, cluster="here", claim=claim), NOW)
        assert Reason.KEY_CLAIMED not in [alert.reason for alert in decision.alerts]


def _standing() -> tuple[State, Traffic]:
    """Of an object that has its key."""
    world = world_at("second stage")
    return world.state, world.redis.traffic
