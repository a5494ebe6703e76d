/** What the server says and is sent. `null` means that nothing is known, and never zero. */

export type Verb = "rollback" | "retry" | "resume" | "approve" | "promote" | "demote" | "pause";
export type Tone = "well" | "waiting" | "bad";
export type StagePlace = "behind" | "here" | "ahead" | "failed";
/** RFC 3339 in UTC. */
export type Timestamp = string;
/** Seconds since the epoch, and what was found there. */
export type PlotPoint = [number, number | null];

export interface LineStage {
  name: string;
  percentage: number;
  place: StagePlace;
  share: number;
}

export interface WorstGuardrail {
  name: string;
  verdict: string;
  value: number | null;
  limit: number | null;
  bound: string;
}

export interface RolloutLine {
  namespace: string;
  name: string;
  uid: string;
  phase: string;
  tone: Tone;
  percentage: number;
  asked: number;
  stages: LineStage[];
  stage: string | null;
  revision: string;
  attempt: number;
  ready: boolean;
  rolledBack: boolean;
  reason: string;
  message: string;
  waitingFor: string;
  worst: WorstGuardrail | null;
  since: Timestamp | null;
  updatedAt: Timestamp | null;
  can: Verb[];
}

export interface DetailStage extends LineStage {
  duration: number;
  served: number | null;
  manual: boolean;
  entered: Timestamp | null;
  left: Timestamp | null;
}

export interface GuardrailLook {
  value: number | null;
  breached: boolean;
}

export interface DetailGuardrail {
  name: string;
  kind: string;
  action: string;
  verdict: string;
  value: number | null;
  bound: string;
  limit: number | null;
  message: string;
  at: Timestamp | null;
  window: number | null;
  samples: number | null;
  recent: GuardrailLook[];
  estimate: number | null;
  interval: [number, number] | null;
  eValue: number | null;
  eBound: number | null;
  proven: boolean;
}

export interface DetailCondition {
  type: string;
  status: string;
  reason: string;
  message: string;
  since: Timestamp | null;
}

export interface DetailStep {
  serial: number;
  at: Timestamp | null;
  reason: string;
  message: string;
  by: string | null;
  warning: boolean;
  attempt: number;
  revision: string;
  stage: string;
  from: number | null;
  to: number;
}

export interface VerbOffer {
  verb: Verb;
  means: string;
}

export interface RolloutDetail extends Omit<RolloutLine, "stages"> {
  stages: DetailStage[];
  todo: string;
  advised: Verb | null;
  traffic: string;
  contested: string;
  holdback: number;
  key: string;
  guardrails: DetailGuardrail[];
  conditions: DetailCondition[];
  history: DetailStep[];
  offers: VerbOffer[];
}

export type Op = ">=" | "<=" | "<" | ">";
export type Group = "treatment" | "control";

export interface FigureTarget {
  op: Op;
  value: number;
  relative: boolean;
}

export interface GroupFigure {
  value: number | null;
  samples: number | null;
  points: PlotPoint[];
  ok: boolean | null;
}

export interface ShownFigure {
  key: string;
  title: { en: string; ko: string };
  unit: string;
  target: FigureTarget;
  groups: Partial<Record<Group, GroupFigure>>;
  change: number | null;
  error: string | null;
}

export interface TrackEvent {
  at: number;
  reason: string;
  by: string | null;
  from: number | null;
  to: number;
  message: string;
}

export interface RolloutFigures {
  asOf: Timestamp;
  interval: number;
  window: number;
  metrics: string;
  figures: ShownFigure[];
  percentage: { points: PlotPoint[]; events: TrackEvent[] };
}

export interface RolloutsEvent {
  asOf: Timestamp | null;
  rollouts: RolloutLine[];
}

export interface GoneEvent {
  namespace: string;
  name: string;
  uid: string;
}

export interface AliveEvent {
  asOf: Timestamp | null;
  source: "live" | "stale";
  why: string | null;
}

export interface EndEvent {
  why: "signed-out" | "crowded";
}

export interface SessionAnswer {
  user: string;
  groups: string[];
  mode: "person" | "cluster";
  context: string | null;
  csrf: string;
  expiresAt: Timestamp | null;
  namespaces: string[] | null;
}

export interface VerbAnswer {
  accepted: boolean;
  answered: boolean;
  message: string;
}
