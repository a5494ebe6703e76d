import type { Place } from "./model";

/** A square around all places, with room at its edge: its south-west corner, and how wide it is. */
export function square(places: readonly Place[]): { x: number; y: number; side: number } {
  const [xs, ys] = [places.map(({ x }) => x), places.map(({ y }) => y)];
  const [left, bottom] = [Math.min(...xs), Math.min(...ys)];
  const [width, height] = [Math.max(...xs) - left, Math.max(...ys) - bottom];
  const side = Math.max(width, height, 1) * 1.3;
  return { x: left + width / 2 - side / 2, y: bottom + height / 2 - side / 2, side };
}
