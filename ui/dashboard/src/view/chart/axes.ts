import type uPlot from "uplot";
import type { Look } from "./chart";

const FONT = "system-ui, sans-serif";
export const fontOf = (look: Look): string => `${look.font}px ${FONT}`;

/** The axis of time, in the reader's words. */
export function timeAxis(look: Look, language: string): uPlot.Axis {
  const time = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const exact = new Intl.DateTimeFormat(language, {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  });
  const day = new Intl.DateTimeFormat(language, { month: "short", day: "numeric" });
  return {
    stroke: look.colour.muted,
    font: fontOf(look),
    grid: { show: false },
    ticks: { stroke: look.colour.grid, size: 4 },
    space: look.font * 7,
    size: look.font * 2,
    gap: 2,
    values: (_, moments, _axis, _space, step) =>
      moments.map((at) => (step >= 86_400 ? day : step >= 60 ? time : exact).format(at * 1000)),
  };
}

export function valueAxis(look: Look, write: (value: number) => string): uPlot.Axis {
  return {
    stroke: look.colour.muted,
    font: fontOf(look),
    grid: { stroke: look.colour.grid, width: 1 },
    ticks: { show: false },
    space: look.font * 2.5,
    size: (_, values) => Math.max(0, ...(values ?? []).map((one) => one.length)) * look.font * 0.62 + look.font,
    gap: 4,
    values: (_, found) => found.map(write),
  };
}
