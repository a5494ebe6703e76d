import type { Id } from "../state/model";
import type { Choice } from "../state/panel";
import * as answers from "./answers";
import { call } from "./call";

const at = (path: string, id: Id, more: string): string => `${path}/${id}/${more}`;

export const whoIs = () => call("GET", "api/session", answers.user);
export const signIn = (userId: string) => call("POST", "api/session", answers.anything, { user_id: userId });
export const signOut = () => call("DELETE", "api/session", answers.anything);

export const config = () => call("GET", "api/config", answers.config);
export const orders = () => call("GET", "api/orders", answers.orders);
export const vehicles = () => call("GET", "api/vehicles", answers.vehicles);
export const nearest = (order: Id) => call("GET", at("api/orders", order, "nearest"), answers.nearest);

export const recommend = (order: Id) =>
  call("POST", "api/ml-dispatch/optimize", answers.recommendation(order), { order_ids: [order], mode: "recommend" });

export const assign = (order: Id, { vehicleId, by }: Choice) =>
  call("POST", "api/dispatches", answers.dispatch, { order_id: order, vehicle_id: vehicleId, assigned_by: by });

export const cancel = (dispatch: Id) => call("POST", at("api/dispatches", dispatch, "cancel"), answers.dispatch, {});
export const complete = (dispatch: Id) => call("POST", at("api/dispatches", dispatch, "complete"), answers.dispatch, {});
export const rate = (dispatch: Id, rating: number, comment: string) =>
  call("POST", at("api/dispatches", dispatch, "survey"), answers.dispatch, { rating, ...(comment ? { comment } : {}) });

/** Tells what happened on the page, and never whether that was heard: nobody's work waits for it. */
export function track(name: "panel_shown" | "fallback_shown" | "assigned", order: Id, more: Readonly<Record<string, unknown>> = {}): void {
  void fetch("api/events", {
    method: "POST",
    keepalive: true,
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ name, order_id: order, ...more }),
  }).catch(() => {});
}
