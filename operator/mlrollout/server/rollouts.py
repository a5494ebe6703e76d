"""The rollouts that the server answers for."""

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from mlrollout.assignment import Assignment, Rollout, Tls
from mlrollout.ports import Ref
from mlrollout.startup.settings import SettingsError

from .config import Config, RolloutEntry
from .http.problem import HttpProblem

OnAssigned = Callable[[str, str, Assignment], None]
"""Is told of a user who was assigned: the rollout's key, the user's id, the assignment."""


def _nobody(_key: str, _user_id: str, _assignment: Assignment) -> None:
    """Count nobody."""


@dataclass(frozen=True, slots=True)
class ServedRollout:
    """One of them.

    Attributes:
        entry: What the configuration says of it.
        rollout: What Redis says of it.
        on_assigned: Is told of every user who is assigned.
    """

    entry: RolloutEntry
    rollout: Rollout
    on_assigned: OnAssigned

    def assign(self, user_id: str, revision: str | None = None) -> Assignment:
        """The user's group now, and what it is based on; the user is counted.

        Args:
            user_id: The user.
            revision: The revision that the caller runs; left out, the configuration's counts.
        """
        found = self.look(user_id, revision)
        self.on_assigned(self.rollout.key, user_id, found)
        return found

    def look(self, user_id: str, revision: str | None = None) -> Assignment:
        """Likewise, and nobody is counted."""
        return self.rollout.assign(user_id, revision=revision or self.entry.revision or None)

    @property
    def ref(self) -> Ref | None:
        """The `MLRollout`, where the configuration names one."""
        name = self.entry.object
        return Ref(name.namespace, name.name) if name else None


Rollouts = dict[str, ServedRollout]
"""By their names."""

ROLLOUTS: web.AppKey[Rollouts] = web.AppKey("rollouts")


def follow(config: Config, redis_url: str, on_assigned: OnAssigned = _nobody, tls: Tls | None = None) -> Rollouts:
    """Begin to follow each; whoever calls closes them.

    Args:
        config: Which.
        redis_url: Their Redis.
        on_assigned: Is told of every user who is assigned.
        tls: Its TLS files.

    Raises:
        SettingsError: The Redis URL can't be used.
    """
    try:
        return {
            entry.name: ServedRollout(
                entry,
                Rollout(entry.key, redis=redis_url, tls=tls, salt=entry.salt or None, staff=entry.staff),
                on_assigned,
            )
            for entry in config.rollouts
        }
    except ValueError as error:
        raise SettingsError(f"MLROLLOUT_REDIS_URL, or what MLROLLOUT_REDIS_URL_FILE names: {error}") from error


def rollout_from_path(request: web.Request) -> ServedRollout:
    """The rollout that the path names as `{rollout}`.

    Raises:
        HttpProblem: There is none.
    """
    name, rollouts = request.match_info["rollout"], request.app[ROLLOUTS]
    try:
        return rollouts[name]
    except KeyError:
        there = ", ".join(rollouts)
        raise HttpProblem(404, f"There is no rollout {name[:100]!r} here. There are: {there}.") from None
