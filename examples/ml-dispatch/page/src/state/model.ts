/** What the application tells the page, once it has been checked. */

export type Id = number;
export type Group = "control" | "treatment";
export type AssignedBy = "ml_assisted" | "legacy";

/** Kilometres from the south-west corner of the map. */
export interface Place {
  x: number;
  y: number;
}

/** A vehicle that was chosen for an order. */
export interface Dispatch {
  id: Id;
  orderId: Id;
  vehicleCode: string;
  assignedBy: AssignedBy;
  status: "assigned" | "cancelled" | "completed";
  score: number | null;
  rating: number | null;
}

export interface Order {
  id: Id;
  code: string;
  customer: string;
  pickup: Place;
  dropoff: Place;
  loadKg: number;
  voltage: string | null;
  lift: boolean;
  from: Date;
  to: Date;
  status: "open" | "assigned" | "cancelled" | "completed";
  dispatch: Dispatch | null;
}

export interface Vehicle {
  id: Id;
  code: string;
  position: Place;
}

export interface Near {
  vehicleId: Id;
  vehicleCode: string;
  distanceKm: number;
}

/** A recommended vehicle. In the breakdown all numbers are from 0 to 1, and more is better. */
export interface Card {
  rank: number;
  vehicleId: Id;
  vehicleCode: string;
  score: number;
  reason: string;
  breakdown: { distance: number; rotation: number; timeWindow: number; preference: number; voltage: boolean };
}

/** What the model recommends for one order. */
export interface Recommendation {
  model: string;
  cards: readonly Card[];
}

/** What the page is told of itself. */
export interface Config {
  ofrep: string;
  flag: string;
  userId: string;
  /** The model that the application runs: while another one is rolled out, everybody is in control. */
  revision: string;
  headers: Readonly<Record<string, string>>;
}
