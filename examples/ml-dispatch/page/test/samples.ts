/** Answers as the application gives them. */
export const ORDER = {
  id: 7,
  code: "ORD-0007",
  customer: "Hanbit Logistics",
  pickup: { x: 1, y: 2 },
  dropoff: { x: 10, y: 5.5 },
  load_kg: 800,
  needs_voltage: "380V",
  needs_lift: true,
  window: { from: "2026-11-26T08:00:00Z", to: "2026-11-26T10:30:00Z" },
  status: "open",
  dispatch: null,
};

export const DISPATCH = {
  id: 3,
  order_id: 7,
  vehicle_id: 12,
  vehicle_code: "V-012",
  assigned_by: "ml_assisted",
  assigned_at: "2026-11-26T07:30:00Z",
  model: "ranker-1",
  score: 0.91,
  status: "assigned",
  rating: null,
};

export const card = (rank: number, more: object = {}) => ({
  rank,
  vehicle_id: 10 + rank,
  vehicle_code: `V-0${10 + rank}`,
  score: 1 - rank / 10,
  reason: "close by",
  breakdown: { distance: 0.25, rotation: 0.5, time_window: 0.9, preference: 0.6, voltage: true },
  ...more,
});

export const recommended = (...cards: unknown[]) => ({ model: "ranker-1", results: [{ order_id: 7, top_3: cards }] });
