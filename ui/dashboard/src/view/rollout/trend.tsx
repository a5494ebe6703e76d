import { useMemo } from "preact/hooks";
import type { ShownFigure } from "../../contract";
import { quantity } from "../../text/format";
import { type Speech, useSpeech } from "../../text/text";
import { Chart } from "../chart/chart";
import { lineUp, sinceKnown } from "../chart/data";
import { trendOptions } from "../chart/trend";
import { type Group, GROUPS } from "./figures";

/** A figure over time, per group. Where nothing is known the line has a gap. */
export function Trend({ figure, title }: { figure: ShownFigure; title: string }) {
  const speech = useSpeech();
  const data = useMemo(() => sinceKnown(lineUp(GROUPS.map((group) => figure.groups[group]?.points ?? []))), [figure]);
  const known = GROUPS.some((group) => figure.groups[group]?.points.some(([, value]) => value !== null));
  if (!known) return <p class="chart nothing">{speech.text.noData}</p>;
  const { op, value, relative } = figure.target;
  const aim = relative ? null : value;
  return (
    <Chart
      label={speech.text.trend(title, said(figure, speech))}
      build={(look) => trendOptions(look, { aim, rising: op.startsWith(">"), unit: figure.unit }, speech)}
      about={`${aim} ${figure.unit} ${speech.language}`}
      data={data}
    />
  );
}

function said(figure: ShownFigure, { language, text }: Speech): string {
  const one = (group: Group) => {
    const value = figure.groups[group]?.value ?? null;
    return `${text.groups[group]} ${value === null ? text.noData : quantity(value, figure.unit, language)}`;
  };
  return GROUPS.map(one).join(", ");
}
