import type { Fallback } from "../state/panel";
import type { Tone } from "../state/score";

/** Every text of the page. Another language is another record of this type. */
export interface Text {
  title: string;
  signIn: { heading: string; hint: string; user: string; go: string; out: string; failed: string; stays: string };
  orders: { heading: string; open: string; done: string; empty: string; choose: string; failed: string; back: string };
  order: { load: string; pickup: string; dropoff: string; window: string; voltage: (volts: string) => string; lift: string };
  map: string;
  nearest: { heading: string; hint: string; away: (km: string) => string; empty: string; failed: string; loading: string };
  ml: { heading: string; beta: string; hint: string; loading: string; rank: (rank: number) => string; score: string; model: (name: string) => string };
  breakdown: { distance: string; rotation: string; timeWindow: string; preference: string; voltage: string; yes: string; no: string };
  tone: Record<Tone, string>;
  fallback: Record<Fallback, string>;
  assign: (code: string) => string;
  assigning: string;
  assignFailed: string;
  retry: string;
  dispatch: { assigned: string; cancelled: string; completed: string; withMl: string; byHand: string; cancel: string; complete: string; failed: string };
  survey: { heading: string; best: string; worst: string; comment: string; send: string; thanks: string; stars: (count: number) => string };
  broken: { heading: string; hint: string; reload: string };
  language: string;
}

const instead = "The nearest vehicles are below.";

export const en: Text = {
  title: "Dispatch",
  signIn: {
    heading: "Sign in",
    hint: "This is an example: any user id will do, and there is no password.",
    user: "User id",
    go: "Sign in",
    out: "Sign out",
    failed: "Signing in did not work. Try again.",
    stays: "Signing out did not work: you are still signed in here.",
  },
  orders: {
    heading: "Orders",
    open: "Open",
    done: "Dispatched",
    empty: "No orders wait for a vehicle.",
    choose: "Choose an order to dispatch it.",
    failed: "The orders could not be loaded.",
    back: "All orders",
  },
  order: {
    load: "Load",
    pickup: "Pick-up",
    dropoff: "Drop-off",
    window: "Time window",
    voltage: (volts) => `Needs ${volts}`,
    lift: "Needs a lift",
  },
  map: "Map of the order and its vehicles",
  nearest: {
    heading: "Nearest vehicles",
    hint: "By distance to the pick-up",
    away: (km) => `${km} km`,
    empty: "No vehicle is free.",
    failed: "The nearest vehicles could not be loaded.",
    loading: "Looking for the nearest vehicles…",
  },
  ml: {
    heading: "Recommended vehicles",
    beta: "beta",
    hint: "The three that fit this order best",
    loading: "Looking for the vehicles that fit best…",
    rank: (rank) => `Number ${rank}`,
    score: "Score",
    model: (name) => `Ranked by ${name}`,
  },
  breakdown: {
    distance: "Distance",
    rotation: "Rotation",
    timeWindow: "Time window",
    preference: "Preference",
    voltage: "Voltage",
    yes: "Yes",
    no: "No",
  },
  tone: { good: "strong", fair: "fair", poor: "weak" },
  fallback: {
    timeout: `The recommendation took too long. ${instead}`,
    unreachable: `There is no recommendation just now. ${instead}`,
    refused: `There is no recommendation just now. ${instead}`,
    nonsense: `The recommendation can't be used. ${instead}`,
    broken: `The recommendation can't be shown. ${instead}`,
    none: `No vehicle fits everything that this order needs. ${instead}`,
    withdrawn: `Recommendations were switched off. ${instead}`,
    assignment: `That vehicle could not be assigned. ${instead}`,
  },
  assign: (code) => `Assign ${code}`,
  assigning: "Assigning…",
  assignFailed: "The vehicle was not assigned. Try again, or choose another.",
  retry: "Try again",
  dispatch: {
    assigned: "is on its way",
    cancelled: "was cancelled",
    completed: "is done",
    withMl: "Chosen with a recommendation",
    byHand: "Chosen from the nearest vehicles",
    cancel: "Cancel dispatch",
    complete: "Mark as completed",
    failed: "That did not work. Try again.",
  },
  survey: {
    heading: "How good was this choice?",
    worst: "Bad",
    best: "Very good",
    comment: "Comment (optional)",
    send: "Send rating",
    thanks: "Thank you for your rating",
    stars: (count) => `${count} of 5`,
  },
  broken: { heading: "Something went wrong on this page", hint: "Nothing that was assigned is lost.", reload: "Reload" },
  language: "한국어",
};
