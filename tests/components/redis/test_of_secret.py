"""What a tenant may ask for by the URL of a Redis in a Secret."""

import pytest
from mlrollout.adapters.redis import open_of_secret
from mlrollout.adapters.redis.of_secret import LONGEST, MOST_SENTINELS
from mlrollout.ports import TrafficError
from mlrollout.redis_common.address import NO_FILES

from devstack.redis_server import RedisServer


async def test_a_redis_that_is_one_is_opened(server: RedisServer, key: str) -> None:
    store = open_of_secret(server.url, NO_FILES)
    assert (await store.read(key)).percentage is None
    await store.close()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("redis+sentinel://" + "a," * 12_000 + "a/s/0", f"longer than {LONGEST} characters"),
        ("redis+sentinel://" + "a," * MOST_SENTINELS + "a/s/0", f"more than {MOST_SENTINELS} Sentinels"),
        ("unix:///run/redis.sock?db=0", "names a socket"),
        ("redis://kim:s3cret%0D%0AGET%20%2F%20HTTP%2F1.0@metadata:80/0", "line breaks"),
        ("redis://s3cret%0A:x@a/0", "line breaks"),
        ("redis+sentinel://:x@a/s3cret%0Aservice/0", "line breaks"),
        ("s3cret", "its scheme is none of"),
    ],
    ids=lambda text: text[:24],
)
async def test_what_asks_for_more_is_refused_before_anything_is_made_of_it(url: str, why: str) -> None:
    with pytest.raises(TrafficError, match=why) as error:
        open_of_secret(url, NO_FILES)
    assert "s3cret" not in str(error.value)


async def test_as_many_sentinels_as_there_may_be_are_asked() -> None:
    store = open_of_secret(f"redis+sentinel://{','.join(['a'] * MOST_SENTINELS)}/s/0", NO_FILES)
    await store.close()
