import type { AliveEvent, GoneEvent, RolloutLine, RolloutsEvent } from "../contract";
import { alive, cut, type Freshness, opened, told, UNHEARD } from "./freshness";

/** All rollouts. */
export interface Rollouts {
  freshness: Freshness;
  /** By `keyOf`, in the order of their names: whatever shows a part of them need not sort again. */
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
  const changes = events.filter(changesLines);
  const lines = changes.length > 0 ? new Map(known.lines) : known.lines;
  for (const event of changes) change(lines as Map<string, RolloutLine>, event);
  for (const event of events) freshness = heard(freshness, event, now);
  const came = changes.some((event) => event.type === "rollouts" || (event.type === "rollout" && isNew(event.data, known)));
  return { freshness, lines: came ? inOrder(lines) : lines };
}

const isNew = (line: RolloutLine, known: Rollouts): boolean => !known.lines.has(keyOf(line));

// Slow, as people's order is; so it is looked up as rarely as can be.
const collator = new Intl.Collator("en", { numeric: true });

function inOrder(lines: ReadonlyMap<string, RolloutLine>): Map<string, RolloutLine> {
  const compare = (one: RolloutLine, other: RolloutLine) =>
    collator.compare(one.namespace, other.namespace) || collator.compare(one.name, other.name);
  return new Map([...lines.values()].sort(compare).map((line) => [keyOf(line), line]));
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
