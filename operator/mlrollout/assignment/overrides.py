"""Groups that the application gives to single users by hand: for testers."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from mlrollout.seldom import seldom

from .arguments import ids
from .bucket import Group
from .ids import text_of

log = logging.getLogger("mlrollout")

Chosen = Mapping[Any, Group | str] | Callable[[str], Group | str | None]


class Overrides:
    """Groups for single users, whatever their buckets.

        Rollout(…, overrides=Overrides({"kim": "treatment", "lee": "control"}))

    Control counts always. Treatment counts while the percentage in force is above 0: not once the rollout was rolled
    back, stopped or deleted, nor before its first stage, nor where another revision is rolled out, or nothing is known.
    `Feature` and tracking do not count these users' calls in what guardrails ask about.

    Args:
        groups: The groups by the users' ids; or a function that is asked at each decision, and answers `None` for
            everybody else. It must not wait; where it fails there is no override.
        always: Have treatment count whatever becomes of the rollout, a rollback included, and without Redis.

    Raises:
        TypeError: `groups` is neither.
        ValueError: There is no such group, or an id is nobody's.
    """

    def __init__(self, groups: Chosen, *, always: bool = False) -> None:
        self.always = always
        self._failures = 0
        self._ask: Callable[[str], Group | str | None]
        if isinstance(groups, Mapping):
            ids("overrides", groups)
            self._ask = {text_of(one): Group(group) for one, group in groups.items()}.get
        elif callable(groups):
            self._ask = groups
        else:
            raise TypeError(
                'Overrides takes the groups by user, {"kim": "treatment"}, or a function of a user\'s id, and not '
                f"something of type {type(groups).__name__}"
            )

    def of(self, user_id: str) -> Group | None:
        """The user's group; `None` where nothing is said of them."""
        try:
            found = self._ask(user_id)
            return found if found is None or type(found) is Group else Group(found)
        except Exception as error:  # the application goes on, and the user's bucket decides
            self._failures += 1
            if seldom(self._failures):
                log.warning(
                    "No override: what was asked for it failed (%d times so far)", self._failures, exc_info=error
                )
            return None
