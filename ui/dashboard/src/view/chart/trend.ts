import type uPlot from "uplot";
import { number, quantity } from "../../text/format";
import type { Speech } from "../../text/text";
import { alone } from "./data";
import { timeAxis, valueAxis } from "./axes";
import type { Look } from "./chart";

interface Aim {
  /** The target; `null` for one that is not about the value itself. */
  aim: number | null;
  /** Whether more is better. */
  rising: boolean;
  unit: string;
}

/** Treatment in full, control in dashes, the target as a line with the side that misses it shaded. */
export function trendOptions(look: Look, { aim, rising, unit }: Aim, speech: Speech): Omit<uPlot.Options, "width" | "height"> {
  const { language, text } = speech;
  const { colour } = look;
  const read = (_: uPlot, value: number | null) => (value === null ? "–" : quantity(value, unit, language));
  return {
    padding: [look.font * 0.6, look.font * 0.6, 0, 0],
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
    legend: { show: false },
    scales: { y: { range: (_, least, most) => around(least, most, aim) } },
    axes: [timeAxis(look, language), valueAxis(look, (value) => number(value, language))],
    series: [
      {},
      { label: text.groups.treatment, stroke: colour.treatment, width: 2, points: lonely(colour.treatment), value: read },
      { label: text.groups.control, stroke: colour.control, width: 1.5, dash: [5, 4], points: lonely(colour.control), value: read },
    ],
    hooks: { drawClear: aim === null ? [] : [(plot) => drawAim(plot, aim, rising, look)] },
  };
}

const lonely = (fill: string): uPlot.Series.Points => ({
  show: true,
  size: 5,
  fill,
  filter: (plot, series) => alone(plot.data[series] ?? []),
});

/** Room for every value and for the target, with some air. */
export function around(least: number | null, most: number | null, aim: number | null): [number, number] {
  const known = [least, most, aim].filter((one): one is number => one !== null && Number.isFinite(one));
  if (known.length === 0) return [0, 1];
  const low = Math.min(...known);
  const high = Math.max(...known);
  const air = (high - low || Math.abs(high) || 1) * 0.12;
  return [low >= 0 ? Math.max(0, low - air) : low - air, high + air];
}

function drawAim(plot: uPlot, aim: number, rising: boolean, { colour }: Look): void {
  const { ctx, bbox } = plot;
  const y = Math.min(Math.max(plot.valToPos(aim, "y", true), bbox.top), bbox.top + bbox.height);
  ctx.save();
  ctx.fillStyle = colour.bad;
  ctx.globalAlpha = 0.07;
  if (rising) ctx.fillRect(bbox.left, y, bbox.width, bbox.top + bbox.height - y);
  else ctx.fillRect(bbox.left, bbox.top, bbox.width, y - bbox.top);
  ctx.globalAlpha = 1;
  ctx.fillStyle = colour.target;
  ctx.fillRect(bbox.left, y, bbox.width, devicePixelRatio);
  ctx.restore();
}
