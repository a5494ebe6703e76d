"""What people and the weather do to the world: the acts that a plan is made of."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mlrollout.api import GROUP
from mlrollout.assignment.view import MAX_STALENESS
from mlrollout.ports import Ref

from .history import Acted
from .prometheus import Series
from .specs import CHANGES, NEWER, Spec, older

if TYPE_CHECKING:
    from .world import World

NAMESPACE = "dispatch"
APPLIED_EVERY = 2.0
"""Seconds between two applies of a manifest that nobody changed."""
_READ_AGAIN = 2.0
"""Seconds until applications go by Redis again, once it answers."""


class Hands:
    """Each public method is an act: it takes a target and a value, and never waits."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._kept: dict[Ref, Any] = {}
        self._deleted: set[Ref] = set()

    def apply(self, target: str, value: Any) -> None:
        """Apply an object."""
        ref = Ref(NAMESPACE, target)
        if not self._goes(ref):
            self._world.api.apply(ref, value)

    def revise(self, target: str, value: Any) -> None:
        """Ask for another model."""
        self._change(target, lambda spec: dict(spec) | {"revision": value})

    def name(self, target: str, value: Any) -> None:
        """Have the source of an object's revision name another model."""
        self._world.registries[target].name(value)

    def name_nothing(self, target: str, value: Any) -> None:
        """The source names nothing for a while; then it names again what it did."""
        registry = self._world.registries[target]
        known = next(name for name in reversed(registry.names) if name)
        registry.name("")
        self._world.after(value, self._name_again, target, known)

    def _name_again(self, target: str, known: str) -> None:
        registry = self._world.registries[target]
        if not registry.names[-1]:
            registry.name(known)

    def go_back(self, target: str, _: Any) -> None:
        """The source names once more what it named before."""
        names = [name for name in self._world.registries[target].names if name]
        self._world.registries[target].name(names[-2] if len(names) > 1 else names[-1])

    def registry_away(self, target: str, value: Any) -> None:
        """The source answers nobody for a while."""
        registry = self._world.registries[target]
        registry.away = True
        self._world.after(value, registry.recover)

    def registry_lags(self, target: str, value: Any) -> None:
        """One of the source's replicas is behind for a while."""
        registry = self._world.registries[target]
        registry.lags = True
        self._world.after(value, registry.recover)

    def edit(self, target: str, value: Any) -> None:
        """Change the spec otherwise."""
        self._change(target, lambda spec: CHANGES[value](older(spec)))

    def newer(self, target: str, value: Any) -> None:
        """Write a word of a newer version into the spec, and take it out some seconds later."""
        kind, seconds = value
        self._change(target, NEWER[kind])
        self._world.after(seconds, self._take_out, target)

    def _take_out(self, target: str) -> None:
        if Ref(NAMESPACE, target) in self._deleted:  # it will be made again of what was deleted, with the word in it
            self._world.after(5.0, self._take_out, target)
        else:
            self._change(target, older)

    def verb(self, target: str, value: Any) -> None:
        """Annotate the object with a verb."""
        verb, why = value
        ref = Ref(NAMESPACE, target)
        if ref in self._world.api.objects:
            self._world.api.annotate(ref, {f"{GROUP}/{verb}": why})

    def keep(self, target: str, value: Any) -> None:
        """Have these annotations stand in the manifest of an applier, who applies it again and again."""
        ref = Ref(NAMESPACE, target)
        self._kept[ref] = value
        self._apply_again(ref)

    def _apply_again(self, ref: Ref) -> None:
        if ref in self._world.api.objects:
            self._world.api.apply_annotations(ref, self._kept[ref])
        if self._kept[ref]:
            self._world.after(APPLIED_EVERY, self._apply_again, ref)

    def delete(self, target: str, value: Any) -> None:
        """Delete the object, and create it anew some seconds later."""
        ref = Ref(NAMESPACE, target)
        found = self._world.api.objects.get(ref)
        if found is not None:
            self._world.api.delete(ref)
            self._deleted.add(ref)
            self._world.after(value, self._recreate, ref, found["spec"])

    def _recreate(self, ref: Ref, spec: Spec) -> None:
        if ref in self._world.api.objects:
            self._world.after(5.0, self._recreate, ref, spec)
        else:
            self._deleted.discard(ref)
            self._world.record(Acted, act="recreate", target=ref.name)
            self._world.api.apply(ref, spec)

    def _change(self, target: str, change: Callable[[Spec], Spec]) -> None:
        ref = Ref(NAMESPACE, target)
        found = self._world.api.objects.get(ref)
        if found is not None and not self._goes(ref):
            self._world.api.apply(ref, change(found["spec"]))

    def _goes(self, ref: Ref) -> bool:
        """Whether it is being deleted: nobody asks anything new of it then."""
        found = self._world.api.objects.get(ref)
        return found is not None and "deletionTimestamp" in found["metadata"]

    # --- Redis -------------------------------------------------------------------------------

    def set_key(self, target: str, value: Any) -> None:
        """SET the key by hand; `None` deletes it."""
        found = self._world.api.objects.get(Ref(NAMESPACE, target))
        if found is not None:
            self._world.redis("redis").set_by_hand(found["spec"]["traffic"]["key"], value)

    def flush(self, _: str, __: Any) -> None:
        """Redis loses everything."""
        self._world.redis("redis").flush()

    def fail_over(self, _: str, value: Any) -> None:
        """A replica takes over that lags behind."""
        self._world.redis("redis").fail_over(value)

    # --- the weather -------------------------------------------------------------------------

    def outage(self, target: str, value: Any) -> None:
        """A part of the world answers nobody, or not one instance."""
        down = self._world.faults.down
        down.add(target)
        if target == "redis" and value > MAX_STALENESS:
            self._world.after(MAX_STALENESS, self._lose)
        self._world.after(value, self._restore, target)

    def _lose(self) -> None:
        """Applications have read nothing for so long that they give everybody control."""
        if "redis" in self._world.faults.down:
            for app in self._world.prometheus.apps.values():
                app.lose()

    def _restore(self, target: str) -> None:
        self._world.faults.down.discard(target)
        if target == "redis":
            self._world.after(_READ_AGAIN, self._follow)
        self._world.record(Acted, act="restored", target=target)

    def _follow(self) -> None:
        if "redis" not in self._world.faults.down:
            for app in self._world.prometheus.apps.values():
                app.follow()

    def nonsense(self, target: str, value: Any) -> None:
        """The API server answers everybody, or one instance, with nonsense, and ends the watches."""
        self._world.faults.nonsense.add(target)
        for slot, process in self._world.processes.items():
            if target in ("api", f"api of {slot}"):
                process.end_watch()
        self._world.after(value, self._mend, target)

    def _mend(self, target: str) -> None:
        self._world.faults.nonsense.discard(target)
        self._world.record(Acted, act="mended", target=target)

    def end_watch(self, target: str, _: Any) -> None:
        """An instance's watch ends for good."""
        self._world.living(target, lambda process: process.end_watch())

    def stale(self, target: str, value: Any) -> None:
        """An application is scraped no more for a while."""
        app = self._world.prometheus.app(target)
        if app.frozen is None:
            app.frozen = self._world.now()
            self._world.after(value, self._thaw, target)

    def silence(self, target: str, value: Any) -> None:
        """One series of an application ends, the others live; some time later it is back."""
        name, seconds = value
        dead = self._world.prometheus.app(target).dead
        dead.setdefault(Series[name], self._world.now())
        self._world.after(seconds, self._revive, target, name)

    def _revive(self, target: str, name: str) -> None:
        self._world.prometheus.app(target).revive(Series[name])

    def _thaw(self, target: str) -> None:
        self._world.prometheus.app(target).thaw()

    def restart_pod(self, target: str, value: Any) -> None:
        """A pod of an application restarts, and its counters begin at zero."""
        self._world.prometheus.app(target).weather.restarts.append((self._world.now(), value))

    def bad_hour(self, target: str, value: Any) -> None:
        """Requests fail in both groups, whatever the model: a database is slow, for example."""
        now = self._world.now()
        self._world.prometheus.app(target).weather.bad_hours.append((now, now + value))

    def break_split(self, target: str, value: Any) -> None:
        """Users are divided otherwise than asked for: a client has another percentage, for example."""
        now = self._world.now()
        self._world.prometheus.app(target).weather.broken_splits.append((now, now + value))

    def crash(self, target: str, _: Any) -> None:
        """An instance crashes between two steps of its own."""
        self._world.living(target, lambda process: process.crash())

    def freeze(self, target: str, value: Any) -> None:
        """An instance stands still."""
        until = self._world.now() + value
        self._world.living(target, lambda process: setattr(process, "frozen_until", until))

    def skew(self, target: str, value: Any) -> None:
        """An instance's clock jumps."""
        self._world.living(target, lambda process: setattr(process, "skew", process.skew + value))

    def deafen(self, target: str, value: Any) -> None:
        """An instance's watch breaks; what happens meanwhile it does not hear."""
        self._world.living(target, lambda process: process.deafen(value))

    def rewind(self, target: str, value: Any) -> None:
        """An instance hears once more what the objects looked like some seconds ago."""
        self._world.living(target, lambda process: process.rewind(value))

    def hand_over(self, _: str, value: Any) -> None:
        """Leadership changes hands; for so many seconds both have it, or below zero none."""
        self._world.hand_over(value)

    def cut(self, target: str, value: Any) -> None:
        """A client is cut off from Redis."""
        self._world.cut(target, value)
