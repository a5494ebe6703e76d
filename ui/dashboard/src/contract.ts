// Generated from contract.schema.json by `make page`: do not edit.

/** `alive`: how old all that stands on the page is. */
export interface AliveEvent {
  /** The time by the server's clock, by which ages are told. */
  now: string;
  /** When the API server was last heard; `null` where it never was. */
  asOf: string | null;
  /** Whether what is shown follows the cluster now. */
  source: "live" | "stale";
  /** Why it does not. */
  why: string | null;
}

/** A condition of the object's status. */
export interface DetailCondition {
  /** Which. */
  type: string;
  /** True, False or Unknown. */
  status: string;
  /** Why, in one word. */
  reason: string;
  /** Why, for people. */
  message: string;
  /** When its status last changed. */
  since: string | null;
}

/** What a guardrail said last. */
export interface DetailGuardrail {
  /** Its name. */
  name: string;
  /** The field that marks its kind: `query`, `rate`, `compare`, `balance`. */
  kind: string;
  /** What a breach of it does: `Rollback`, `Hold`, `Alert`. */
  action: string;
  /** Pass, Breach, Inconclusive, NoData or Error; empty where it was not looked at yet. */
  verdict: string;
  /** What was found. */
  value: number | null;
  /** What the limit is called: `max`, `min`, `ratio`; empty for none. */
  bound: string;
  /** What it was held against, or will be. */
  limit: number | null;
  /** The same for people, or what went wrong and what to do. */
  message: string;
  /** When it was seen. */
  at: string | null;
  /** Seconds that its evidence reaches back. */
  window: number | null;
  /** How many samples or events it stands on. */
  samples: number | null;
  /** The last looks, oldest first. */
  recent: GuardrailLook[];
  /** What a sequential test has estimated in this stage. */
  estimate: number | null;
  /** Between what it lies; valid at every look. */
  interval: [number, number] | null;
  /** How much stronger than chance the evidence is that it is worse than allowed. */
  eValue: number | null;
  /** The e-value at which it breaches. */
  eBound: number | null;
  /** Whether it is proven safe in this stage. */
  proven: boolean;
}

/** A stage, with its times. */
export interface DetailStage {
  /** Its name. */
  name: string;
  /** Its share of users in treatment. */
  percentage: number;
  /** Where it lies, seen from where the rollout stands. */
  place: StagePlace;
  /** How much of its time is served, from 0 to 1. */
  share: number;
  /** Seconds of healthy time that it asks for. */
  duration: number;
  /** Seconds of healthy time so far; `null` where it is not the one that the rollout stands in. */
  served: number | null;
  /** Whether it is entered on a person's word alone. */
  manual: boolean;
  /** When it was entered. */
  entered: string | null;
  /** When it was left. */
  left: string | null;
}

/** A step of the rollout's history. */
export interface DetailStep {
  /** Counts the steps of the object. */
  serial: number;
  /** When it was. */
  at: string | null;
  /** What happened, in one word. */
  reason: string;
  /** What happened and on which evidence, for people. */
  message: string;
  /** The person who asked for it; `null` where the operator did it by itself, or nobody says. */
  by: string | null;
  /** Whether it is one. */
  warning: boolean;
  /** The attempt that it belongs to. */
  attempt: number;
  /** What was being rolled out. */
  revision: string;
  /** The stage after it. */
  stage: string;
  /** The percentage before it; `null` where nobody knows any more. */
  from: number | null;
  /** The percentage after it. */
  to: number;
}

/** `end`: the stream ends for good. */
export interface EndEvent {
  /** `signed-out`: the token is not valid any more. `crowded`: too many streams are open; come back later. */
  why: "signed-out" | "crowded";
}

/** What a figure shall be. */
export interface FigureTarget {
  /** How it is held against the value. */
  op: Op;
  /** The value. */
  value: number;
  /** Whether it is about the treatment's change against the control, in per cent. */
  relative: boolean;
}

/** `gone`: an object that is there no more, or may not be seen. */
export interface GoneEvent {
  /** Of the object. */
  namespace: string;
  /** Of the object. */
  name: string;
  /** Of the object; empty where it never was there. */
  uid: string;
  /** `deleted`: it is not there. `hidden`: this person may not see it, and is not told whether it is there. */
  why: "deleted" | "hidden";
}

/** A figure of one group. */
export interface GroupFigure {
  /** What it is now. */
  value: number | null;
  /** How many events it stands on; `null` where that is not counted. */
  samples: number | null;
  /** What it was, oldest first. */
  points: ([number, number | null])[];
  /** Whether it meets the target; `null` where that can't be said. */
  ok: boolean | null;
}

/** One look at a guardrail. */
export interface GuardrailLook {
  /** What was found. */
  value: number | null;
  /** Whether it was a breach. */
  breached: boolean;
}

/** A stage of a rollout. */
export interface LineStage {
  /** Its name. */
  name: string;
  /** Its share of users in treatment. */
  percentage: number;
  /** Where it lies, seen from where the rollout stands. */
  place: StagePlace;
  /** How much of its time is served, from 0 to 1. */
  share: number;
}

/** How a figure is held against its target. */
export type Op = ">=" | "<=" | "<" | ">";

/** The percentage over time, as the history has it: it holds from a point to the next. */
export interface PercentageTrack {
  /** The points, oldest first; the last is now. */
  points: ([number, number | null])[];
  /** What changed it. */
  events: TrackEvent[];
}

/** One rollout in full. */
export interface RolloutDetail {
  /** Of the object. */
  namespace: string;
  /** Of the object. */
  name: string;
  /** Of the object: one that was deleted and made anew has another. */
  uid: string;
  /** Its state in one word, such as `Progressing` or `GuardrailBreached`. */
  phase: string;
  /** How it is doing. */
  tone: Tone;
  /** Share of users in treatment, as Redis last confirmed it. */
  percentage: number;
  /** The percentage that shall stand. */
  asked: number;
  /** Every stage of the spec, in its order, with its times. */
  stages: DetailStage[];
  /** The stage that it stands in. */
  stage: string | null;
  /** What is being rolled out. */
  revision: string;
  /** The number of the try; 0 where none has begun. */
  attempt: number;
  /** Whether it is complete and well. */
  ready: boolean;
  /** Whether this attempt was taken to zero, for good. */
  rolledBack: boolean;
  /** Why it is not ready, in one word. */
  reason: string;
  /** What blocks it, why it was rolled back, or that all is well; one sentence. */
  message: string;
  /** What it waits for, in a word or two; empty for nothing. */
  waitingFor: string;
  /** The guardrail to look at first; `null` where it has none. */
  worst: WorstGuardrail | null;
  /** When Ready last changed its status. */
  since: string | null;
  /** When the operator last wrote its status. */
  updatedAt: string | null;
  /** Verbs that this person may use now. A line names `rollback` alone; the detail names all. */
  can: Verb[];
  /** A revision that its source names and that waits, for a person or the end of a pause; empty for none. */
  waiting: string;
  /** What to do; empty for nothing. */
  todo: string;
  /** The verb that does it, where one does. */
  advised: Verb | null;
  /** Why Redis is not known to hold the percentage; empty where it is. */
  traffic: string;
  /** What is said of another writer; empty for none. */
  contested: string;
  /** Per cent of the users who are kept in control. */
  holdback: number;
  /** The key of the percentage in Redis. */
  key: string;
  /** All guardrails of the spec. */
  guardrails: DetailGuardrail[];
  /** The conditions of the status. */
  conditions: DetailCondition[];
  /** The last steps, oldest first. */
  history: DetailStep[];
  /** What comes of each verb in `can`. */
  offers: VerbOffer[];
  /** How it stands, to be sent along with a verb. */
  situation: Situation;
}

/** The figures of one rollout. */
export interface RolloutFigures {
  /** When they were asked for. */
  asOf: string;
  /** Seconds until they are asked for again. */
  interval: number;
  /** Seconds that each value looks back. */
  window: number;
  /** What the names of its application's metrics begin with; empty where nobody says. */
  metrics: string;
  /** The figures, in their order. */
  figures: ShownFigure[];
  /** The percentage over time. */
  percentage: PercentageTrack;
}

/** A rollout on one line. */
export interface RolloutLine {
  /** Of the object. */
  namespace: string;
  /** Of the object. */
  name: string;
  /** Of the object: one that was deleted and made anew has another. */
  uid: string;
  /** Its state in one word, such as `Progressing` or `GuardrailBreached`. */
  phase: string;
  /** How it is doing. */
  tone: Tone;
  /** Share of users in treatment, as Redis last confirmed it. */
  percentage: number;
  /** The percentage that shall stand. */
  asked: number;
  /** Every stage of the spec, in its order. */
  stages: LineStage[];
  /** The stage that it stands in. */
  stage: string | null;
  /** What is being rolled out. */
  revision: string;
  /** The number of the try; 0 where none has begun. */
  attempt: number;
  /** Whether it is complete and well. */
  ready: boolean;
  /** Whether this attempt was taken to zero, for good. */
  rolledBack: boolean;
  /** Why it is not ready, in one word. */
  reason: string;
  /** What blocks it, why it was rolled back, or that all is well; one sentence. */
  message: string;
  /** What it waits for, in a word or two; empty for nothing. */
  waitingFor: string;
  /** The guardrail to look at first; `null` where it has none. */
  worst: WorstGuardrail | null;
  /** When Ready last changed its status. */
  since: string | null;
  /** When the operator last wrote its status. */
  updatedAt: string | null;
  /** Verbs that this person may use now. A line names `rollback` alone; the detail names all. */
  can: Verb[];
}

/** `rollouts`: all that there is, at the beginning of a stream. */
export interface RolloutsEvent {
  /** When the API server was last heard. */
  asOf: string | null;
  /** All that this person may see. */
  rollouts: RolloutLine[];
}

/** Who is signed in. */
export interface SessionAnswer {
  /** Who it is, as the API server says. */
  user: string;
  /** What they belong to. */
  groups: string[];
  /** `person`: by a kubeconfig on this machine. `cluster`: on a server in the cluster. */
  mode: "person" | "cluster";
  /** The context of that kubeconfig. */
  context: string | null;
  /** What every request that changes anything carries as `X-CSRF-Token`. */
  csrf: string;
  /** What tells this session from others. A stream names it as `session`, and is refused where another has begun. */
  tag: string;
  /** When they will have to sign in anew; `null` where nobody knows. */
  expiresAt: string | null;
  /** The namespaces that are shown; `null` for all. */
  namespaces: string[] | null;
  /** Whether one can sign out here; not where a proxy, or a token that is sent along, says who it is each time. */
  canSignOut: boolean;
}

/** A figure of both groups. */
export interface ShownFigure {
  /** Its name, for programs. */
  key: string;
  /** Its name, for people. */
  title: Titles;
  /** `%`, `s`, or what the configuration says; empty for none. */
  unit: string;
  /** What it shall be. */
  target: FigureTarget;
  /** By group. */
  groups: Partial<Record<"treatment" | "control", GroupFigure>>;
  /** Of a relative one, the treatment's change against the control, in per cent. */
  change: number | null;
  /** Why nothing is known; `null` where Prometheus answered. */
  error: string | null;
}

/** Signing in. */
export interface SignInRequest {
  /** A bearer token of the cluster. */
  token: string;
}

/** How a rollout stood when somebody looked at it: while nothing of this changes, what a verb does is the same. */
export interface Situation {
  /** Of the object: one that was deleted and made anew has another. */
  uid: string;
  /** Counts the changes of its spec. */
  generation: number;
  /** The number of the try. */
  attempt: number;
  /** The stage that it stands in; empty for none. */
  stage: string;
  /** The number of its last step: a stage that is entered, a verb, a rollback and a new attempt are each one. */
  step: number;
  /** The revision that waits; empty for none. */
  waiting: string;
}

/** Where a stage lies, seen from where the rollout stands. */
export type StagePlace = "behind" | "here" | "ahead" | "failed";

/** A title in the languages of the page. */
export interface Titles {
  /** In English. */
  en: string;
  /** In Korean. */
  ko: string;
}

/** How it is doing, for a colour. */
export type Tone = "well" | "waiting" | "bad";

/** Something that changed the percentage. */
export interface TrackEvent {
  /** Seconds since the epoch. */
  at: number;
  /** What happened, in one word. */
  reason: string;
  /** The person who asked for it; `null` for nobody. */
  by: string | null;
  /** The percentage before it. */
  from: number | null;
  /** The percentage after it. */
  to: number;
  /** The same for people. */
  message: string;
}

/** What a person may ask for by an annotation, in the order in which they are heard. */
export type Verb = "rollback" | "retry" | "resume" | "approve" | "promote" | "demote" | "pause";

/** A verb that would be acted on now. */
export interface VerbOffer {
  /** The verb. */
  verb: Verb;
  /** What comes of it. */
  means: string;
}

/** What became of a verb. */
export interface VerbOutcome {
  /** Whether the operator acted on it, or has yet to answer. */
  accepted: boolean;
  /** Whether the operator has answered. */
  answered: boolean;
  /** What was done, why it was refused, or what comes of it. */
  message: string;
}

/** A verb that is asked for. */
export interface VerbRequest {
  /** The verb. */
  verb: Verb;
  /** Why; it stands in the history with the person's name. */
  reason?: string;
  /** Of `demote`: the percentage to go to at most; left out, the stage before. */
  percentage?: number | null;
  /** How it stood when the person looked, as `situation` of the detail said. Needed for `promote`, `approve`, `retry` and `resume`, and for a `demote` without a percentage: they are refused where it has changed. `pause`, and a `demote` with a percentage, are refused where it is another object; a `rollback` never is. */
  seen?: Situation | null;
}

/** The guardrail to look at first. */
export interface WorstGuardrail {
  /** Its name. */
  name: string;
  /** Pass, Breach, Inconclusive, NoData or Error; empty where it was not looked at yet. */
  verdict: string;
  /** What was found. */
  value: number | null;
  /** What it was held against. */
  limit: number | null;
  /** What the limit is called: `max`, `min`, `ratio`; empty for none. */
  bound: string;
}
