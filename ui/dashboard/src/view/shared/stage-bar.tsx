import type { LineStage } from "../../contract";

interface Props {
  percentage: number;
  stages: readonly LineStage[];
  tone: string;
}

/** The percentage on a line from 0 to 100, with a mark where each stage is. The numbers stand beside it as text. */
export function StageBar({ percentage, stages, tone }: Props) {
  return (
    <span class={`bar ${tone}`} aria-hidden="true">
      <span class="filled" style={{ width: `${percentage}%` }} />
      {stages.map((stage) => (
        <span key={stage.name} class={`mark ${stage.place}`} style={{ left: `${stage.percentage}%` }} title={stage.name} />
      ))}
    </span>
  );
}
