import { useCallback, useEffect, useReducer } from "react";
import * as api from "../net/api";
import { DEADLINE, type Reply } from "../net/call";
import type { Dispatch, Group, Id, Order, Recommendation } from "../state/model";
import { type Choice, type Desk, type Fallback, next, opened } from "../state/panel";
import { useSpeech } from "../text/speech";
import { loadMlPanel } from "./ml/load";

interface Given {
  order: Order;
  group: Group;
  dispatched: (dispatch: Dispatch) => void;
  reload: () => Promise<void>;
}

/** An open order's desk at work: it asks, tells what was answered, and tracks what is shown. */
export function useDesk({ order, group, dispatched, reload }: Given) {
  const { text } = useSpeech();
  const [desk, tell] = useReducer(next, group, opened);

  // Always and at once, whatever panel is shown: where the ML path fails, the legacy panel is there already.
  const findNearest = useCallback(async () => {
    tell({ type: "nearest", vehicles: null });
    const reply = await api.nearest(order.id);
    tell({ type: "nearest", vehicles: reply.kind === "said" ? reply.value : "failed" });
  }, [order.id]);
  useEffect(() => void findNearest(), [findNearest]);

  const asks = desk.panel.kind === "asking";
  useEffect(() => {
    if (!asks) return;
    void recommended(order.id).then((reply) =>
      tell(reply.kind === "said" ? { type: "recommended", found: reply.value } : { type: "failed", why: reply.why }),
    );
  }, [asks, order.id]);

  useEffect(() => tell({ type: "group", group }), [group]);

  // The state and not the click makes the call: of two clicks one is heard.
  const { assigning } = desk;
  useEffect(() => {
    if (!assigning) return;
    void api.assign(order.id, assigning).then((reply) => {
      if (reply.kind === "said") {
        api.track("assigned", order.id, { assigned_by: assigning.by });
        tell({ type: "assigned" });
        dispatched(reply.value);
        return;
      }
      const forPeople = reply.status === 409 || reply.status === 422;
      tell({ type: "assignment failed", message: (forPeople && reply.message) || text.assignFailed });
      // Whether it was assigned all the same, after a time-out say, and who is free now.
      void reload();
      void findNearest();
    });
  }, [assigning]);

  useTracking(order, desk);
  const assign = (choice: Choice) => tell({ type: "assign", choice });
  const failed = (why: Fallback) => tell({ type: "failed", why });
  return { desk, assign, failed, findNearest };
}

/** A recommendation and the part of the page that shows it, both within the deadline. */
async function recommended(order: Id): Promise<Reply<Recommendation>> {
  const broken = (why: "timeout" | "unreachable"): Reply<never> => ({ kind: "failed", why, status: null, message: "" });
  const part = Promise.race([
    loadMlPanel().then(() => null, () => broken("unreachable")),
    new Promise<Reply<never>>((resolve) => setTimeout(() => resolve(broken("timeout")), DEADLINE)),
  ]);
  const reply = await api.recommend(order);
  return reply.kind === "failed" ? reply : ((await part) ?? reply);
}

function useTracking(order: Order, { panel }: Desk): void {
  const why = panel.kind === "legacy" ? panel.why : null;
  useEffect(() => {
    if (panel.kind === "ml") api.track("panel_shown", order.id);
    if (why) api.track("fallback_shown", order.id, { reason: why });
  }, [order.id, panel.kind, why]);
}
