import type { AliveEvent, GoneEvent, RolloutLine, RolloutsEvent } from "../contract";
import { alive, cut, type Freshness, opened, told, UNHEARD } from "./freshness";

/** All rollouts, by `keyOf`. */
export interface Rollouts {
  freshness: Freshness;
  lines: ReadonlyMap<string, RolloutLine>;
}

export type ListEvent =
  | { type: "opened" }
  | { type: "cut" }
  | { type: "rollouts"; data: RolloutsEvent }
  | { type: "rollout"; data: RolloutLine }
  | { type: "gone"; data: GoneEvent }
  | { type: "alive"; data: AliveEvent };

export const NO_ROLLOUTS: Rollouts = { freshness: UNHEARD, lines: new Map() };

export const keyOf = (one: { namespace: string; name: string }): string => `${one.namespace}/${one.name}`;

/** What is known after these events. The lines are copied once for all of them. */
export function afterListEvents(known: Rollouts, events: readonly ListEvent[], now: number): Rollouts {
  let { freshness } = known;
  const lines = events.some(changesLines) ? new Map(known.lines) : known.lines;
  for (const event of events) {
    if (changesLines(event)) change(lines as Map<string, RolloutLine>, event);
    freshness = heard(freshness, event, now);
  }
  return { freshness, lines };
}

type Change = Extract<ListEvent, { type: "rollouts" | "rollout" | "gone" }>;

const changesLines = (event: ListEvent): event is Change =>
  event.type === "rollouts" || event.type === "rollout" || event.type === "gone";

function change(lines: Map<string, RolloutLine>, event: Change): void {
  if (event.type === "rollouts") {
    lines.clear();
    for (const line of event.data.rollouts) lines.set(keyOf(line), line);
  } else if (event.type === "rollout") {
    lines.set(keyOf(event.data), event.data);
  } else if (lines.get(keyOf(event.data))?.uid === event.data.uid) {
    // Another object of the same name may be there by now.
    lines.delete(keyOf(event.data));
  }
}

function heard(freshness: Freshness, event: ListEvent, now: number): Freshness {
  switch (event.type) {
    case "opened":
      return opened(freshness);
    case "cut":
      return cut(freshness);
    case "rollouts":
      return told({ ...freshness, asOf: event.data.asOf ?? freshness.asOf });
    case "alive":
      return alive(freshness, event.data, now);
    default:
      return freshness;
  }
}
