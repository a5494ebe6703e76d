import type { AliveEvent, GoneEvent, RolloutDetail, RolloutFigures } from "../contract";
import { alive, cut, type Freshness, opened, told, UNHEARD } from "./freshness";

/** One rollout that is looked at. */
export interface Rollout {
  freshness: Freshness;
  detail: RolloutDetail | null;
  figures: RolloutFigures | null;
  gone: Gone;
}

/** Why it can't be acted on; empty where it is there. `missing`: nothing of it was ever shown. */
export type Gone = "" | "missing" | "deleted" | "hidden";

export type DetailEvent =
  | { type: "opened" }
  | { type: "cut" }
  | { type: "detail"; data: RolloutDetail }
  | { type: "figures"; data: RolloutFigures }
  | { type: "gone"; data: GoneEvent }
  | { type: "alive"; data: AliveEvent };

export const NO_ROLLOUT: Rollout = { freshness: UNHEARD, detail: null, figures: null, gone: "" };

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
      return { freshness: told(known.freshness), detail: event.data, figures, gone: "" };
    }
    case "figures":
      return { ...known, figures: event.data };
    case "gone":
      return { ...left(known, event.data.why), freshness: told(known.freshness) };
    case "alive":
      return { ...known, freshness: alive(known.freshness, event.data, now) };
  }
}

/** Of what was deleted, the last is shown; of what may be seen no more, nothing is. */
function left(known: Rollout, why: GoneEvent["why"]): Rollout {
  const shown = known.detail !== null;
  if (why === "deleted") return { ...known, gone: shown ? "deleted" : "missing" };
  return { ...known, detail: null, figures: null, gone: shown || known.gone === "hidden" ? "hidden" : "missing" };
}
