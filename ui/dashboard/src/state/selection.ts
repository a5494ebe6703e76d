import type { RolloutLine } from "../contract";
import { STANDINGS, type Standing, standing } from "./standing";

/** Which rollouts are shown, and in which order. */
export interface Selection {
  text: string;
  namespace: string;
  phase: string;
  standing: Standing | "";
  order: "urgency" | "name";
}

export const EVERYTHING: Selection = { text: "", namespace: "", phase: "", standing: "", order: "urgency" };

/** What is selected of rollouts that come in the order of their names. */
export function select(lines: Iterable<RolloutLine>, selection: Selection): RolloutLine[] {
  const words = selection.text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = [...lines].filter(
    (line) =>
      (!selection.namespace || line.namespace === selection.namespace) &&
      (!selection.phase || line.phase === selection.phase) &&
      (!selection.standing || standing(line) === selection.standing) &&
      words.every((word) => searched(line).includes(word)),
  );
  return selection.order === "name" ? found : found.sort(byUrgency);
}

/** How many rollouts stand how. */
export function standings(lines: Iterable<RolloutLine>): Record<Standing, number> {
  const counts = { bad: 0, waiting: 0, going: 0, done: 0 };
  for (const line of lines) counts[standing(line)]++;
  return counts;
}

/** Every value of a field that a line has, in order. */
export function valuesOf(lines: Iterable<RolloutLine>, field: "namespace" | "phase"): string[] {
  return [...new Set([...lines].map((line) => line[field]))].sort();
}

function searched(line: RolloutLine): string {
  const { namespace, name, stage, revision, phase, waitingFor, worst } = line;
  return `${namespace}/${name} ${stage ?? ""} ${revision} ${phase} ${waitingFor} ${worst?.name ?? ""}`.toLowerCase();
}

function byUrgency(one: RolloutLine, other: RolloutLine): number {
  return STANDINGS.indexOf(standing(one)) - STANDINGS.indexOf(standing(other));
}
