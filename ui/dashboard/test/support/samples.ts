import type { DetailGuardrail, RolloutDetail, RolloutLine, ShownFigure } from "../../src/contract";

export const HTML = "<img src=x onerror=window.ran=1>";

export function line(changes: Partial<RolloutLine> = {}): RolloutLine {
  return {
    namespace: "dispatch",
    name: "ml-dispatch",
    uid: "u1",
    phase: "Progressing",
    tone: "well",
    percentage: 30,
    asked: 30,
    stages: [
      { name: "pilot", percentage: 10, place: "behind", share: 1 },
      { name: "expansion", percentage: 30, place: "here", share: 0.4 },
    ],
    stage: "expansion",
    revision: "ranker-1",
    attempt: 1,
    ready: false,
    rolledBack: false,
    reason: "Progressing",
    message: "all is well",
    waitingFor: "time",
    worst: { name: "error-rate", verdict: "Pass", value: 0.01, limit: 0.05, bound: "max" },
    since: null,
    updatedAt: null,
    can: ["rollback"],
    ...changes,
  };
}

export function guardrail(changes: Partial<DetailGuardrail> = {}): DetailGuardrail {
  return {
    name: "error-rate",
    kind: "rate",
    action: "Rollback",
    verdict: "Pass",
    value: 0.0123,
    bound: "max",
    limit: 0.05,
    message: "fine",
    at: "2026-11-26T10:00:00Z",
    window: 300,
    samples: 12034,
    recent: [],
    estimate: null,
    interval: null,
    eValue: null,
    eBound: null,
    proven: false,
    ...changes,
  };
}

export function detail(changes: Partial<RolloutDetail> = {}): RolloutDetail {
  const stages = line().stages.map((stage) => ({
    ...stage,
    duration: 3600,
    served: stage.place === "here" ? 600 : null,
    manual: false,
    entered: null,
    left: null,
  }));
  return {
    ...line(),
    can: ["rollback", "demote"],
    waiting: "",
    todo: "",
    advised: null,
    traffic: "",
    contested: "",
    holdback: 0,
    key: "ml_dispatch:rollout_percentage",
    guardrails: [guardrail()],
    conditions: [],
    history: [],
    offers: [{ verb: "rollback", means: "traffic goes to 0 %" }],
    situation: { uid: "u1", generation: 1, attempt: 1, stage: "expansion", step: 3, waiting: "" },
    ...changes,
    stages: changes.stages ?? stages,
  };
}

export function figure(changes: Partial<ShownFigure> = {}): ShownFigure {
  return {
    key: "success_rate",
    title: { en: "ML success rate", ko: "ML 성공률" },
    unit: "%",
    target: { op: ">=", value: 95, relative: false },
    groups: {
      treatment: { value: 97.31, samples: 1200, points: [], ok: true },
      control: { value: null, samples: null, points: [], ok: null },
    },
    change: null,
    error: null,
    ...changes,
  };
}
