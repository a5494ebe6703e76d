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

/** Without the time before anything was known, but for the last few moments: a figure that is a minute old is seen. */
export function sinceKnown(data: uPlot.AlignedData, least = 10): uPlot.AlignedData {
  const [times, ...series] = data;
  const known = times.findIndex((_, index) => series.some((values) => values[index] != null));
  const first = Math.max(0, Math.min(known < 0 ? 0 : known - 1, times.length - least));
  return data.map((values) => values.slice(first)) as unknown as uPlot.AlignedData;
}

/** The indices of values that stand alone, which a line alone would not show. */
export function alone(values: ArrayLike<number | null | undefined>): number[] {
  const known = (index: number) => values[index] != null;
  return Array.from(values, (_, index) => index).filter((index) => known(index) && !known(index - 1) && !known(index + 1));
}
