import { expect, test } from "vitest";
import { square } from "../src/state/bounds";

test("a map has every place inside it, with room at the edge", () => {
  const places = [{ x: 3, y: 40 }, { x: 21, y: 4 }, { x: 10, y: 10 }];
  const { x, y, side } = square(places);
  for (const place of places) {
    expect(place.x).toBeGreaterThan(x);
    expect(place.x).toBeLessThan(x + side);
    expect(place.y).toBeGreaterThan(y);
    expect(place.y).toBeLessThan(y + side);
  }
});

test("a map of one place is still a map", () => {
  expect(square([{ x: 5, y: 5 }]).side).toBeGreaterThan(0);
});
