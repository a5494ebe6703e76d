import type { RolloutLine } from "../contract";

/** How a rollout is doing, for a colour and a sign; the most urgent first. */
export const STANDINGS = ["bad", "waiting", "going", "done"] as const;
export type Standing = (typeof STANDINGS)[number];

export function standing(line: Pick<RolloutLine, "tone" | "ready">): Standing {
  if (line.tone === "well") return line.ready ? "done" : "going";
  return line.tone;
}
