import uPlot from "uplot";
import type { GroupFigure } from "../../contract";

type PlotPoint = GroupFigure["points"][number];

/** Series of points on one axis of time. `null` is a gap; a moment that another series lacks is none. */
export function lineUp(series: readonly (readonly PlotPoint[])[]): uPlot.AlignedData {
  const tables = series.map(
    (points) => [points.map(([at]) => at), points.map(([, value]) => value)] as unknown as uPlot.AlignedData,
  );
  return uPlot.join(
    tables,
    tables.map(() => [0, 2]), // a null stays a gap
  );
}
