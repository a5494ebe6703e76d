import uPlot from "uplot";
import type { DetailStage, TrackEvent } from "../../contract";
import type { Speech } from "../../text/text";
import { fontOf, timeAxis, valueAxis } from "./axes";
import type { Look } from "./chart";

/** The percentage as steps, a line for each stage, and a mark for each change: a triangle where it went down. */
export function trackOptions(
  look: Look,
  stages: readonly DetailStage[],
  events: readonly TrackEvent[],
  { language }: Speech,
): Omit<uPlot.Options, "width" | "height"> {
  const { colour } = look;
  return {
    padding: [look.font, look.font, 0, 0],
    cursor: { show: false },
    legend: { show: false },
    scales: { y: { range: [0, 104] } },
    axes: [
      timeAxis(look, language),
      { ...valueAxis(look, (value) => `${value} %`), splits: [0, 25, 50, 75, 100] },
    ],
    series: [
      {},
      {
        stroke: colour.treatment,
        width: 2,
        fill: translucent(colour.treatment),
        paths: uPlot.paths.stepped?.({ align: 1 }),
        points: { show: false },
      } as uPlot.Series,
    ],
    hooks: {
      drawClear: [(plot) => drawStages(plot, stages, look)],
      draw: [(plot) => drawEvents(plot, events, look)],
    },
  };
}

const translucent = (colour: string): string => colour.replace(/^rgb\((.*)\)$/, "rgba($1, 0.14)");

function drawStages(plot: uPlot, stages: readonly DetailStage[], look: Look): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.font = `${look.font * devicePixelRatio}px ${fontOf(look).split("px ")[1]}`;
  ctx.textAlign = "left"; // the axes leave it at "right"
  for (const stage of stages) {
    const y = plot.valToPos(stage.percentage, "y", true);
    ctx.fillStyle = look.colour.target;
    ctx.globalAlpha = 0.6;
    ctx.fillRect(bbox.left, y, bbox.width, devicePixelRatio);
    ctx.globalAlpha = 1;
    ctx.fillStyle = look.colour.muted;
    const below = stage.percentage > 90;
    ctx.textBaseline = below ? "top" : "bottom";
    ctx.fillText(`${stage.name} ${stage.percentage} %`, bbox.left + 4 * devicePixelRatio, y + (below ? 4 : -2) * devicePixelRatio);
  }
  ctx.restore();
}

function drawEvents(plot: uPlot, events: readonly TrackEvent[], look: Look): void {
  const { ctx } = plot;
  const size = 4 * devicePixelRatio;
  ctx.save();
  for (const event of events) {
    const down = event.from !== null && event.to < event.from;
    const x = plot.valToPos(event.at, "x", true);
    const y = plot.valToPos(event.to, "y", true);
    ctx.fillStyle = down ? look.colour.bad : look.colour.treatment;
    ctx.beginPath();
    if (down) {
      ctx.moveTo(x - size, y - 2 * size);
      ctx.lineTo(x + size, y - 2 * size);
      ctx.lineTo(x, y);
    } else {
      ctx.arc(x, y, size, 0, 2 * Math.PI);
    }
    ctx.fill();
  }
  ctx.restore();
}
