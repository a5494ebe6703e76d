import { useSyncExternalStore } from "react";
import type { Id } from "../state/model";

const ORDER = /^#\/orders\/(\d{1,15})$/;

const listen = (changed: () => void): (() => void) => {
  addEventListener("hashchange", changed);
  return () => removeEventListener("hashchange", changed);
};

export const orderLink = (id: Id): string => `#/orders/${id}`;

/** The order that the address names; null for the list. */
export function useRoute(): Id | null {
  const hash = useSyncExternalStore(listen, () => location.hash);
  const named = ORDER.exec(hash)?.[1];
  return named === undefined ? null : Number(named);
}
