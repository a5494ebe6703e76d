/**
 * Reads answers. Each reader gives what the page works with, or null where the answer is nonsense: the model may answer
 * anything, and after a deploy so may the application.
 */
import type { Card, Config, Dispatch, Id, Near, Order, Place, Recommendation, Vehicle } from "../state/model";

type Fields = Readonly<Record<string, unknown>>;
type Reader<T> = (given: unknown) => T | null;

const LONGEST = 500;

const fields = (given: unknown): Fields => (typeof given === "object" && given !== null ? (given as Fields) : {});
const text: Reader<string> = (given) => (typeof given === "string" && given !== "" ? given.slice(0, LONGEST) : null);
const number: Reader<number> = (given) => (typeof given === "number" && Number.isFinite(given) ? given : null);
const share: Reader<number> = (given) => (typeof given === "number" && given >= 0 && given <= 1 ? given : null);
const flag: Reader<boolean> = (given) => (typeof given === "boolean" ? given : null);
const id: Reader<Id> = (given) => (Number.isSafeInteger(given) ? (given as Id) : null);
const moment: Reader<Date> = (given) => {
  const read = new Date(typeof given === "string" ? given : Number.NaN);
  return Number.isNaN(read.getTime()) ? null : read;
};
const place: Reader<Place> = (given) => whole({ x: number(fields(given).x), y: number(fields(given).y) });

function oneOf<T extends string>(given: unknown, ...known: readonly T[]): T | null {
  return known.find((one) => one === given) ?? null;
}

/** A record without holes, or null. */
function whole<T extends object>(given: { [K in keyof T]: T[K] | null }): T | null {
  return Object.values(given).includes(null) ? null : (given as T);
}

/** Every one of them, or null: half a list would be taken for all of it. */
function all<T>(given: unknown, read: Reader<T>): T[] | null {
  if (!Array.isArray(given)) return null;
  const found = given.map(read);
  return found.includes(null) ? null : (found as T[]);
}

/** Nothing but that it is there. */
export const anything: Reader<true> = () => true;

export const user: Reader<string> = (given) => text(fields(given).user_id);

export const config: Reader<Config> = (given) => {
  const { ofrep, flag, user_id, revision, headers } = fields(given);
  const named = Object.entries(fields(headers)).map(([name, value]) => [name, String(value)]);
  const shown = Object.fromEntries(named);
  return whole({ ofrep: text(ofrep), flag: text(flag), userId: text(user_id), revision: text(revision), headers: shown });
};

export const dispatch: Reader<Dispatch> = (given) => {
  const { id: own, order_id, vehicle_code, assigned_by, status, score, rating } = fields(given);
  const found = whole({
    id: id(own),
    orderId: id(order_id),
    vehicleCode: text(vehicle_code),
    assignedBy: oneOf(assigned_by, "ml_assisted", "legacy"),
    status: oneOf(status, "assigned", "cancelled", "completed"),
  });
  return found && { ...found, score: share(score), rating: number(rating) };
};

const order: Reader<Order> = (given) => {
  const told = fields(given);
  const window = fields(told.window);
  const found = whole({
    id: id(told.id),
    code: text(told.code),
    customer: text(told.customer),
    pickup: place(told.pickup),
    dropoff: place(told.dropoff),
    loadKg: number(told.load_kg),
    lift: flag(told.needs_lift),
    from: moment(window.from),
    to: moment(window.to),
    status: oneOf(told.status, "open", "assigned", "cancelled", "completed"),
  });
  return found && { ...found, voltage: text(told.needs_voltage), dispatch: dispatch(told.dispatch) };
};

export const orders: Reader<Order[]> = (given) => all(fields(given).orders, order);

export const vehicles: Reader<Vehicle[]> = (given) =>
  all(fields(given).vehicles, (one) => {
    const told = fields(one);
    return whole({ id: id(told.id), code: text(told.code), position: place(told.position) });
  });

export const nearest: Reader<Near[]> = (given) =>
  all(fields(given).vehicles, (one) => {
    const told = fields(one);
    return whole({ vehicleId: id(told.vehicle_id), vehicleCode: text(told.vehicle_code), distanceKm: number(told.distance_km) });
  });

/** For one order: at most three vehicles, ranked from 1 on, none twice, every number where it can be. */
export const recommendation =
  (orderId: Id): Reader<Recommendation> =>
  (given) => {
    const { model, results } = fields(given);
    const mine = Array.isArray(results) ? results.map(fields).find((one) => one.order_id === orderId) : undefined;
    const cards = all(mine?.top_3, card);
    if (!cards || cards.length > 3 || cards.some(({ rank }, index) => rank !== index + 1)) return null;
    if (new Set(cards.map(({ vehicleId }) => vehicleId)).size < cards.length) return null;
    return whole({ model: text(model), cards });
  };

const card: Reader<Card> = (given) => {
  const { rank, vehicle_id, vehicle_code, score, reason, breakdown } = fields(given);
  const told = fields(breakdown);
  const [distance, rotation] = [share(told.distance), share(told.rotation)];
  return whole({
    rank: number(rank),
    vehicleId: id(vehicle_id),
    vehicleCode: text(vehicle_code),
    score: share(score),
    reason: text(reason),
    breakdown: whole({
      // Both are costs; the page shows everything so that more is better.
      distance: distance === null ? null : 1 - distance,
      rotation: rotation === null ? null : 1 - rotation,
      timeWindow: share(told.time_window),
      preference: share(told.preference),
      voltage: flag(told.voltage),
    }),
  });
};
