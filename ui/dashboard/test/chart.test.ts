import { expect, test } from "vitest";
import { around } from "../src/view/chart/trend";
import { alone, lineUp, sinceKnown } from "../src/view/chart/data";
import { sliceOf } from "../src/view/list/window";
import { progress } from "../src/view/rollout/evidence";

test("no data is a gap in the line, and never zero", () => {
  const [times, treatment, control] = lineUp([[[1, 0.5], [2, null], [3, 0.7]], [[3, 0.1]]]);

  expect(times).toEqual([1, 2, 3]);
  expect(treatment).toEqual([0.5, null, 0.7]);
  expect(control).toEqual([undefined, undefined, 0.1]);
});

test("the target is always in sight", () => {
  const [low, high] = around(97, 99, 95);

  expect(low).toBeLessThan(95);
  expect(high).toBeGreaterThan(99);
  expect(around(null, null, null)).toEqual([0, 1]);
  expect(around(0, 0.1, null)[0]).toBe(0);
  expect(around(5, 5, null)[0]).toBeLessThan(5);
});

test.each([
  [1000, 44, 0, 880, { first: 0, last: 28 }],
  [1000, 44, 4400, 880, { first: 92, last: 128 }],
  [1000, 44, 43_120, 880, { first: 972, last: 1000 }],
  [1000, 44, -500, 880, { first: 0, last: 17 }],
  [3, 44, 90_000, 880, { first: 3, last: 3 }],
  [0, 44, 0, 880, { first: 0, last: 0 }],
])("of %i rows of %i pixels, %i above the edge of %i, few are drawn", (count, row, top, view, slice) => {
  expect(sliceOf(count, row, top, view)).toEqual(slice);
});

test("an e-value is as near its bound as its logarithm", () => {
  expect(progress(0.5, 20)).toBe(0);
  expect(progress(Math.sqrt(20), 20)).toBeCloseTo(0.5);
  expect(progress(1e9, 20)).toBe(1);
  expect(progress(3, 1)).toBe(0);
});

test("a figure that is new is seen: what was before it is left out, and a value that stands alone is a point", () => {
  const times = Array.from({ length: 60 }, (_, index) => index);
  const values = times.map((index) => (index === 58 ? 0.97 : null));

  expect(sinceKnown([times, values])[0]).toEqual(times.slice(50));
  expect(sinceKnown([times, times.map(() => 1)])[0]).toEqual(times);
  expect(sinceKnown([[], []])).toEqual([[], []]);
  expect(alone(values)).toEqual([58]);
  expect(alone([1, 2, null, 3, undefined])).toEqual([3]);
});
