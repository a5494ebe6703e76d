import { describe, expect, test } from "vitest";
import { recommendation } from "../src/net/answers";
import type { Recommendation } from "../src/state/model";
import { type Choice, type Desk, type Event, type Fallback, next, opened } from "../src/state/panel";
import { card, recommended } from "./samples";

const found = recommendation(7)(recommended(card(1), card(2))) as Recommendation;
const choice: Choice = { vehicleId: 11, vehicleCode: "V-011", by: "ml_assisted" };
const other: Choice = { vehicleId: 12, vehicleCode: "V-012", by: "ml_assisted" };
const after = (desk: Desk, ...events: Event[]): Desk => events.reduce(next, desk);
const shown = after(opened("treatment"), { type: "recommended", found });

const WHY: Fallback[] = ["timeout", "unreachable", "refused", "nonsense", "broken"];
const FAILURES: Event[] = [
  ...WHY.map((why): Event => ({ type: "failed", why })),
  { type: "group", group: "control" },
  { type: "assignment failed", message: "taken" },
];

test("control is never asked for", () => {
  expect(opened("control").panel).toEqual({ kind: "legacy", why: null });
});

test("treatment waits for the model, and sees what it says", () => {
  expect(opened("treatment").panel.kind).toBe("asking");
  expect(shown.panel).toEqual({ kind: "ml", found });
});

test("an order without a fitting vehicle falls back to the nearest", () => {
  expect(after(opened("treatment"), { type: "recommended", found: { ...found, cards: [] } }).panel).toEqual({ kind: "legacy", why: "none" });
});

describe.each(FAILURES)("$type $why $group", (failure) => {
  test.each([
    ["asking", opened("treatment")],
    ["shown", shown],
    ["assigning", after(shown, { type: "assign", choice })],
  ])("leads from %s to legacy", (_, from) => {
    expect(next(from, failure).panel.kind).toBe("legacy");
  });

  test("lets nothing bring the panel back, however late it comes", () => {
    const events: Event[] = [failure, { type: "recommended", found }, { type: "group", group: "treatment" }, ...FAILURES];
    expect(after(opened("treatment"), ...events).panel).toEqual(after(opened("treatment"), failure).panel);
  });

  test("keeps the nearest vehicles that are known", () => {
    const known = after(opened("treatment"), { type: "nearest", vehicles: [] });
    expect(next(known, failure).nearest).toEqual([]);
  });
});

test("whoever comes to treatment sees no panel appear under their hands", () => {
  expect(after(opened("control"), { type: "group", group: "treatment" }, { type: "recommended", found })).toEqual(opened("control"));
});

test("of two clicks one counts, and of two vehicles the first", () => {
  const once = next(shown, { type: "assign", choice });
  expect(next(once, { type: "assign", choice })).toBe(once);
  expect(next(once, { type: "assign", choice: other })).toBe(once);
});

test("a rollback during an assignment lets it end, and no other begin", () => {
  const desk = after(shown, { type: "assign", choice }, { type: "group", group: "control" });
  expect(desk).toMatchObject({ panel: { kind: "legacy", why: "withdrawn" }, assigning: choice });
  expect(next(desk, { type: "assign", choice: other })).toBe(desk);
});

test("an assignment that failed can be made again, by the nearest vehicles", () => {
  const desk = after(shown, { type: "assign", choice }, { type: "assignment failed", message: "taken" });
  expect(desk).toMatchObject({ panel: { kind: "legacy", why: "assignment" }, assigning: null, trouble: "taken" });
  expect(next(desk, { type: "assign", choice: { ...other, by: "legacy" } })).toMatchObject({ assigning: { by: "legacy" }, trouble: null });
});
