/**
 * Which panel an open order shows, as data: every event leads from one desk to the next.
 *
 * What holds: from any state any failure leads to the legacy panel; the ML panel is only ever reached by opening an order
 * (nothing appears under a person's hands); while one assignment is under way no other can begin.
 */
import type { AssignedBy, Group, Id, Near, Recommendation } from "./model";

/** Why the legacy panel stands where the ML panel would: the first four are what can become of a call. */
export type Fallback = "timeout" | "unreachable" | "refused" | "nonsense" | "broken" | "none" | "withdrawn" | "assignment";

export type Panel =
  | { kind: "legacy"; why: Fallback | null }
  | { kind: "asking" }
  | { kind: "ml"; found: Recommendation };

export interface Choice {
  vehicleId: Id;
  vehicleCode: string;
  by: AssignedBy;
}

/** `nearest` is null until it is known; `trouble` is what the last assignment failed by, for people. */
export interface Desk {
  panel: Panel;
  nearest: readonly Near[] | "failed" | null;
  assigning: Choice | null;
  trouble: string | null;
}

export type Event =
  | { type: "recommended"; found: Recommendation }
  | { type: "failed"; why: Fallback }
  | { type: "group"; group: Group }
  | { type: "nearest"; vehicles: readonly Near[] | "failed" | null }
  | { type: "assign"; choice: Choice }
  | { type: "assigned" }
  | { type: "assignment failed"; message: string };

/** An order is opened: its panel follows the group that the user is in now. */
export const opened = (group: Group): Desk => ({
  panel: group === "treatment" ? { kind: "asking" } : { kind: "legacy", why: null },
  nearest: null,
  assigning: null,
  trouble: null,
});

export function next(desk: Desk, event: Event): Desk {
  switch (event.type) {
    case "recommended":
      // Late: the deadline has passed, or a rollback has taken the panel away meanwhile.
      if (desk.panel.kind !== "asking") return desk;
      return event.found.cards.length ? { ...desk, panel: { kind: "ml", found: event.found } } : fallenBack(desk, "none");
    case "failed":
      return fallenBack(desk, event.why);
    case "group":
      return event.group === "control" ? fallenBack(desk, "withdrawn") : desk;
    case "nearest":
      return { ...desk, nearest: event.vehicles };
    case "assign":
      return desk.assigning ? desk : { ...desk, assigning: event.choice, trouble: null };
    case "assigned":
      return { ...desk, assigning: null };
    case "assignment failed":
      return { ...fallenBack(desk, "assignment"), assigning: null, trouble: event.message };
  }
}

/** The first reason stays: what fails later fails in the legacy panel. */
const fallenBack = (desk: Desk, why: Fallback): Desk =>
  desk.panel.kind === "legacy" ? desk : { ...desk, panel: { kind: "legacy", why } };
