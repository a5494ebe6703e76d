import { describe, expect, test } from "vitest";
import { isLive, UNHEARD } from "../src/state/freshness";
import { afterDetailEvents, type DetailEvent, NO_ROLLOUT } from "../src/state/rollout";
import { afterListEvents, keyOf, type ListEvent, NO_ROLLOUTS } from "../src/state/rollouts";
import { EVERYTHING, select, standings, valuesOf } from "../src/state/selection";
import { trackOf } from "../src/state/track";
import { Store } from "../src/state/store";
import { detail, line } from "./support/samples";

const NOW = Date.parse("2026-11-26T10:00:00Z");
const AS_OF = "2026-11-26T10:00:00Z";
const live: ListEvent = { type: "alive", data: { now: AS_OF, asOf: AS_OF, source: "live", why: null } };
const stale: ListEvent = { type: "alive", data: { now: AS_OF, asOf: "2026-11-26T09:00:00Z", source: "stale", why: "timed out" } };
const all = (...rollouts: ReturnType<typeof line>[]): ListEvent => ({ type: "rollouts", data: { asOf: AS_OF, rollouts } });
const listed = (...events: ListEvent[]) => afterListEvents(NO_ROLLOUTS, events, NOW);

describe("all rollouts", () => {
  test("a snapshot replaces everything, a line replaces its own", () => {
    const known = listed(all(line({ name: "old" })), all(line()), { type: "rollout", data: line({ percentage: 100 }) });

    expect([...known.lines.keys()]).toEqual(["dispatch/ml-dispatch"]);
    expect(known.lines.get(keyOf(line()))?.percentage).toBe(100);
  });

  test("one that was made anew under the name stays when the old one's end is told late", () => {
    const known = listed(all(line({ uid: "new" })), { type: "gone", data: { ...line(), uid: "old", why: "deleted" } });

    expect(known.lines.size).toBe(1);
    expect(afterListEvents(known, [{ type: "gone", data: { ...line(), uid: "new", why: "deleted" } }], NOW).lines.size).toBe(0);
  });

  test("lines are the same map where none has changed, so that nothing is drawn for a sign of life", () => {
    const known = listed(all(line()));

    expect(afterListEvents(known, [live], NOW).lines).toBe(known.lines);
  });
});

describe("whether it is live", () => {
  test.each<[string, ListEvent[], boolean]>([
    ["before anything is heard", [], false],
    ["connected, with nothing told yet", [{ type: "opened" }, live], false],
    ["told", [{ type: "opened" }, all(), live], true],
    ["cut off", [{ type: "opened" }, all(), live, { type: "cut" }], false],
    ["connected again, with what was told before", [{ type: "opened" }, all(), { type: "cut" }, { type: "opened" }, live], false],
    ["told anew", [all(), { type: "cut" }, { type: "opened" }, all()], true],
    ["while the server does not hear the cluster", [all(), stale], false],
    ["once it hears the cluster again", [all(), stale, live], true],
  ])("%s", (_, events, expected) => {
    expect(isLive(listed(...events).freshness)).toBe(expected);
  });

  test("the clock is the server's, however long ago the cluster was last heard", () => {
    const quiet: ListEvent = { type: "alive", data: { now: "2026-11-26T10:00:20Z", asOf: AS_OF, source: "live", why: null } };

    expect(listed(quiet).freshness.ahead).toBe(20_000);
    expect(listed(live, quiet, stale).freshness.ahead).toBe(0);
  });

  test("as of when is kept over a cut, and a stale source's moment does not set the clock", () => {
    const { freshness } = listed(live, stale, { type: "cut" });

    expect(freshness).toMatchObject({ asOf: "2026-11-26T09:00:00Z", ahead: 0, why: "timed out" });
  });

  test("a cluster that was never heard has no moment", () => {
    const never: ListEvent = { type: "alive", data: { now: AS_OF, asOf: null, source: "stale", why: "away" } };

    expect(listed(never).freshness).toEqual({ ...UNHEARD, connected: true, source: "stale", why: "away" });
  });
});

describe("one rollout", () => {
  const figures = { asOf: AS_OF, interval: 15, window: 300, metrics: "", figures: [], percentage: { points: [], events: [] } };

  test("the figures of one that was deleted are not shown for the next of its name", () => {
    const known = afterDetailEvents(NO_ROLLOUT, [{ type: "detail", data: detail() }, { type: "figures", data: figures }], NOW);

    expect(afterDetailEvents(known, [{ type: "detail", data: detail() }], NOW).figures).toBe(figures);
    expect(afterDetailEvents(known, [{ type: "detail", data: detail({ uid: "u2" }) }], NOW).figures).toBe(null);
  });

  const gone = (why: "deleted" | "hidden"): DetailEvent => ({ type: "gone", data: { ...line(), uid: "", why } });
  const after = (...events: DetailEvent[]) => afterDetailEvents(NO_ROLLOUT, events, NOW);
  const shown: DetailEvent = { type: "detail", data: detail() };

  test("what was deleted stays in sight, as gone, until it is made anew", () => {
    expect(after(shown, gone("deleted"))).toMatchObject({ gone: "deleted", detail: { name: "ml-dispatch" } });
    expect(after(shown, gone("deleted"), { type: "detail", data: detail({ uid: "u2" }) }).gone).toBe("");
  });

  test("of what may be seen no more, nothing is shown any more", () => {
    const hidden = { gone: "hidden", detail: null, figures: null };

    expect(after(shown, { type: "figures", data: figures }, gone("hidden"))).toMatchObject(hidden);
    expect(after(shown, gone("deleted"), gone("hidden"))).toMatchObject(hidden);
    expect(after(shown, gone("hidden"), { type: "cut" }, { type: "opened" }, gone("hidden"))).toMatchObject(hidden);
    expect(after(shown, gone("hidden"), shown)).toMatchObject({ gone: "", detail: { name: "ml-dispatch" } });
  });

  test("of what was never shown, nobody hears whether it is there", () => {
    expect([after(gone("hidden")).gone, after(gone("deleted")).gone]).toEqual(["missing", "missing"]);
  });
});

describe("which are shown", () => {
  const told = [
    line({ name: "b-10", uid: "1" }),
    line({ name: "b-9", uid: "2" }),
    line({ name: "well", uid: "3", ready: true, phase: "Completed" }),
    line({ name: "broken", uid: "4", tone: "bad", phase: "GuardrailBreached", namespace: "maps" }),
  ];
  const lines = [...listed(all(...told.slice(1)), { type: "rollout", data: told[0] ?? line() }).lines.values()];
  const names = (selection: Partial<typeof EVERYTHING>) => select(lines, { ...EVERYTHING, ...selection }).map((one) => one.name);

  test("the urgent first, then by name as people count", () => {
    expect(names({})).toEqual(["broken", "b-9", "b-10", "well"]);
    expect(names({ order: "name" })).toEqual(["b-9", "b-10", "well", "broken"]);
  });

  test("every word of a search has to be found", () => {
    expect(names({ text: "MAPS brok" })).toEqual(["broken"]);
    expect(names({ text: "maps well" })).toEqual([]);
  });

  test("by namespace, phase and standing", () => {
    expect(names({ namespace: "maps" })).toEqual(["broken"]);
    expect(names({ phase: "Completed" })).toEqual(["well"]);
    expect(names({ standing: "going" })).toEqual(["b-9", "b-10"]);
    expect(standings(lines)).toEqual({ bad: 1, waiting: 0, going: 2, done: 1 });
    expect(valuesOf(lines, "namespace")).toEqual(["dispatch", "maps"]);
  });
});

test("a thousand events between two pictures are drawn once", () => {
  const frames: (() => void)[] = [];
  let drawn = 0;
  const store = new Store(NO_ROLLOUTS, afterListEvents, (frame) => frames.push(frame));
  store.listen(() => drawn++);
  for (let index = 0; index < 1000; index++) store.push({ type: "rollout", data: line({ name: `r-${index}` }) });

  expect([frames.length, drawn, store.get().lines.size]).toEqual([1, 0, 0]);
  frames[0]?.();
  expect([drawn, store.get().lines.size]).toEqual([1, 1000]);
});

describe("the percentage over time", () => {
  const step = { serial: 1, reason: "ManualRollback", message: "", by: "kim", warning: true, attempt: 1, revision: "", stage: "" };
  const at = (seconds: number) => new Date(seconds * 1000).toISOString();
  const history = [
    { ...step, at: at(100), from: null, to: 10 },
    { ...step, at: at(200), from: 10, to: 0 },
    { ...step, at: at(300), from: 0, to: 0 },
  ];

  test("follows the history at once, whatever the figures still say", () => {
    const { points, events } = trackOf(detail({ history, percentage: 0 }), null, 400_000);

    expect(points).toEqual([[100, 10], [200, 0], [300, 0], [400, 0]]);
    expect(events.map(({ at, from, to, by }) => [at, from, to, by])).toEqual([[100, null, 10, "kim"], [200, 10, 0, "kim"]]);
  });

  test("begins where the figures do, if they know more", () => {
    const early = { at: 50, reason: "AttemptStarted", by: null, from: null, to: 5, message: "" };
    const percentage = { points: [[50, 5], [100, 10], [150, 10]] as [number, number][], events: [early] };
    const figures = { asOf: AS_OF, interval: 15, window: 300, metrics: "", figures: [], percentage };
    const { points, events } = trackOf(detail({ history, percentage: 0 }), figures, 400_000);

    expect(points.slice(0, 2)).toEqual([[50, 5], [100, 10]]);
    expect(events[0]).toBe(early);
  });

  test("is nothing where nothing is known", () => {
    expect(trackOf(detail(), null, 400_000)).toEqual({ points: [], events: [] });
  });
});
