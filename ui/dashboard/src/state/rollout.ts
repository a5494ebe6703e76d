import type { AliveEvent, GoneEvent, RolloutDetail, RolloutFigures } from "../contract";
import { alive, cut, type Freshness, opened, told, UNHEARD } from "./freshness";

/** One rollout that is looked at. */
export interface Rollout {
  freshness: Freshness;
  detail: RolloutDetail | null;
  figures: RolloutFigures | null;
  gone: boolean;
}

export type DetailEvent =
  | { type: "opened" }
  | { type: "cut" }
  | { type: "detail"; data: RolloutDetail }
  | { type: "figures"; data: RolloutFigures }
  | { type: "gone"; data: GoneEvent }
  | { type: "alive"; data: AliveEvent };

export const NO_ROLLOUT: Rollout = { freshness: UNHEARD, detail: null, figures: null, gone: false };

export function afterDetailEvents(known: Rollout, events: readonly DetailEvent[], now: number): Rollout {
  return events.reduce((state, event) => after(state, event, now), known);
}

function after(known: Rollout, event: DetailEvent, now: number): Rollout {
  switch (event.type) {
    case "opened":
      return { ...known, freshness: opened(known.freshness) };
    case "cut":
      return { ...known, freshness: cut(known.freshness) };
    case "detail": {
      // One that was created anew under the name has figures of its own.
      const same = known.detail?.uid === event.data.uid;
      const figures = same ? known.figures : null;
      return { freshness: told(known.freshness), detail: event.data, figures, gone: false };
    }
    case "figures":
      return { ...known, figures: event.data };
    case "gone":
      return { ...known, freshness: told(known.freshness), gone: true };
    case "alive":
      return { ...known, freshness: alive(known.freshness, event.data, now) };
  }
}
