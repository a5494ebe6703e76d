import type { PercentageTrack, RolloutDetail, RolloutFigures, TrackEvent } from "../contract";

/** The percentage over time: by the history, which comes with every change, and before it by the last figures.
 *
 * @param now the server's time, in milliseconds
 */
export function trackOf({ history, percentage }: RolloutDetail, figures: RolloutFigures | null, now: number): PercentageTrack {
  const steps = history.filter((step) => step.at !== null).map((step) => ({ ...step, at: Date.parse(step.at ?? "") / 1000 }));
  const began = steps[0]?.at ?? Number.POSITIVE_INFINITY;
  const known = figures?.percentage ?? { points: [], events: [] };
  const before = known.points.filter(([at]) => at < began);
  const first = steps[0];
  const start: PercentageTrack["points"] = first?.from != null && before.length === 0 ? [[first.at - 1, first.from]] : [];
  const points: PercentageTrack["points"] = [...before, ...start, ...steps.map(({ at, to }): [number, number] => [at, to])];
  const moved = steps.filter(({ from, to }) => from !== to);
  return {
    points: points.length > 0 ? [...points, [Math.max(now / 1000, points.at(-1)?.[0] ?? 0), percentage]] : [],
    events: [...known.events.filter(({ at }) => at < began), ...moved.map(eventOf)],
  };
}

const eventOf = ({ at, reason, by, from, to, message }: TrackEvent): TrackEvent => ({ at, reason, by, from, to, message });
