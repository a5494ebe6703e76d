"""The rollouts that the server answers for."""

from collections.abc import Callable
from dataclasses import dataclass

from mlrollout.assignment import Assignment, Rollout, Tls
from mlrollout.ports import Ref
from mlrollout.startup.settings import SettingsError

from .config import Config, RolloutEntry

OnAssigned = Callable[[str, str, Assignment], None]
"""Called for each user who is assigned, with the rollout's key, the user's id and the assignment."""


def _nobody(_key: str, _user_id: str, _assignment: Assignment) -> None:
    """Count nobody."""


@dataclass(frozen=True, slots=True)
class ServedRollout:
    """A rollout that the server answers for.

    Attributes:
        entry: What the configuration says of it.
        rollout: What Redis says of it.
        on_assigned: Called for each user who is assigned.
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
        """The user's group, without counting the user."""
        return self.rollout.assign(user_id, revision=revision or self.entry.revision or None)

    @property
    def ref(self) -> Ref | None:
        """The `MLRollout`; `None` where the configuration names none."""
        name = self.entry.object
        return Ref(name.namespace, name.name) if name else None


Rollouts = dict[str, ServedRollout]
"""The rollouts by their names."""


def follow(config: Config, redis_url: str, on_assigned: OnAssigned = _nobody, tls: Tls | None = None) -> Rollouts:
    """Begin to follow every rollout of the configuration; the caller must close them.

    Args:
        config: Names them.
        redis_url: Their Redis.
        on_assigned: Called for each user who is assigned.
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
