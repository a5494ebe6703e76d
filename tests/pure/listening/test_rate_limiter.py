"""How much one caller may ask."""

from mlrollout.listening.rate_limiter import MOST_CALLERS, RateLimiter


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def allowed(rate: RateLimiter, caller: str, times: int) -> int:
    return sum(rate.take(caller) == 0 for _ in range(times))


def test_a_seconds_worth_may_come_at_once_and_then_as_many_as_the_rate_allows() -> None:
    clock = Clock()
    rate = RateLimiter(10, clock)
    assert allowed(rate, "a", 20) == 10
    clock.now = 0.5
    assert allowed(rate, "a", 20) == 5
    clock.now = 100
    assert allowed(rate, "a", 20) == 10


def test_who_asks_too_much_is_told_how_long_to_wait() -> None:
    clock = Clock()
    rate = RateLimiter(2, clock)
    waits = [rate.take("a") for _ in range(3)]
    assert waits == [0, 0, 0.5]
    clock.now = 0.5
    assert rate.take("a") == 0


def test_one_caller_takes_nothing_from_another() -> None:
    rate = RateLimiter(3, Clock())
    assert allowed(rate, "a", 10) == 3
    assert allowed(rate, "b", 10) == 3


def test_who_was_silent_longest_is_forgotten_and_not_who_asks_now() -> None:
    rate = RateLimiter(1, Clock())
    assert allowed(rate, "busy", 2) == 1
    for number in range(MOST_CALLERS * 2):
        rate.take(str(number))
        assert rate.take("busy")
    assert len(rate._left) == MOST_CALLERS


def test_less_than_one_a_second_still_lets_one_at_a_time() -> None:
    clock = Clock()
    rate = RateLimiter(1 / 60, clock)
    assert allowed(rate, "a", 5) == 1
    clock.now = 59
    assert allowed(rate, "a", 5) == 0
    clock.now = 120
    assert allowed(rate, "a", 5) == 1
