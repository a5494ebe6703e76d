"""The learner at work: round by round it reads, learns, compares, and registers."""

import logging
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from dispatch.model import ModelError, load
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from .candidate import PATIENCE, may_register, model_of
from .contest import Contest
from .drift import psi, spread
from .enrol import enrol
from .lesson import Lesson, State, learn
from .metrics import LearnerMetrics
from .reader import Reader
from .registry import Registry, RegistryError

log = logging.getLogger("learner")

CHAMPION, CANDIDATE = "champion", "candidate"


@dataclass(frozen=True, slots=True)
class Learner:
    """What it works with.

    Attributes:
        reader: Outcomes.
        registry: The versions of the model.
        models: Their files.
        kept: The file with what it knows.
        metrics: What Prometheus reads.
        patience: Seconds that a candidate has, before there may be another.
    """

    reader: Reader
    registry: Registry
    models: Path
    kept: Path
    metrics: LearnerMetrics
    patience: float = PATIENCE

    def round(self, state: State, now: float) -> State:
        """One round. What is out of reach is told and counted, and asked again by the next; the other steps go on."""
        for step in (self._follow, self._learn, self._offer, self._drifts):
            try:
                state = step(state, now)
            except RegistryError as error:
                self._tell("registry", error)
            except ModelError as error:
                self._tell("model", error)
            except SQLAlchemyError as error:
                self._tell("database", error)
            except OSError as error:
                self._tell("files", error)
        return state

    def _follow(self, state: State, now: float) -> State:
        """Whom the registry calls champion and candidate. Without its file the champion before it stays."""
        candidate = self.registry.version_of(CANDIDATE) or ""
        if candidate != state.candidate:
            state = state.model_copy(update={"candidate": candidate, "since": now})
        version = self.registry.version_of(CHAMPION)
        if version is None or version == state.champion:
            return state
        champion = load(self._file(version))
        log.info("version %s is the champion", version)
        return state.facing(champion)

    def _learn(self, state: State, now: float) -> State:
        if not state.champion:
            return state
        lesson = learn(state, self.reader.after(state.position, now), load(self._file(state.champion)))
        self._keep(lesson.state)  # before anything is said of it: what has been counted is not read again
        self._told(lesson)
        return lesson.state

    def _offer(self, state: State, now: float) -> State:
        """Register what was learned, where it has won."""
        if not may_register(state, now, self.patience):
            return state
        model = model_of(state, load(self._file(state.champion)), spread(self.reader.choices()))
        told = ", ".join(f"{name} {value:g}" for name, value in model.quality.items())
        version = enrol(self.registry, self.models, model, f"learned from outcomes: {told}")
        self.registry.point(CANDIDATE, version)
        log.info("registered version %s as the candidate, against %s: %s", version, state.champion, told)
        self.metrics.registered.inc()
        # What was evidence for this one is none for the next.
        state = state.model_copy(update={"contest": Contest(), "candidate": version, "since": now})
        self._keep(state)
        return state

    def _drifts(self, state: State, _: float) -> State:
        """Say how far the inputs are from what they were when the version was registered that is rolled out now."""
        if version := state.candidate or state.champion:
            then = load(self._file(version)).reference
            self.metrics.drifted(psi(then, spread(self.reader.choices())))
        return state

    def _file(self, version: str) -> Path:
        return self.models / f"{version}.json"

    def _told(self, lesson: Lesson) -> None:
        self.metrics.learned(lesson)
        self.metrics.stands(lesson.state)
        for reason, count in Counter(reason for _, reason in lesson.refused).items():
            log.warning("%d outcomes were not learned from: %s", count, reason)

    def _keep(self, state: State) -> None:
        half = self.kept.with_suffix(".new")
        half.write_text(state.model_dump_json())
        half.replace(self.kept)

    def _tell(self, what: str, error: Exception) -> None:
        self.metrics.failed(what)
        log.warning("%s; asked again in the next round", error)

    def begin(self) -> State:
        """What it knew when it ended; where that can't be read it learns anew from the first outcome."""
        try:
            return State.model_validate_json(self.kept.read_bytes())
        except FileNotFoundError:
            return State()
        except (OSError, ValidationError) as error:
            log.warning("what was learned before can't be read, and is learned anew: %s", error)
            return State()
