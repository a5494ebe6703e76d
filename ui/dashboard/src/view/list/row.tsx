import type { RolloutLine } from "../../contract";
import { hrefOf } from "../../route";
import { standing } from "../../state/standing";
import { number } from "../../text/format";
import { useSpeech, word } from "../../text/text";
import { Sign, toneOfVerdict } from "../shared/sign";
import { StageBar } from "../shared/stage-bar";

export function Row({ line, index }: { line: RolloutLine; index: number }) {
  const { text } = useSpeech();
  const tone = standing(line);
  return (
    <div role="row" class={`row ${tone}`} aria-rowindex={index}>
      <span role="cell" class="phase">
        <Sign tone={tone} />
        <span class="word">{word(text.reasons, line.phase)}</span>
      </span>
      <span role="cell" class="name">
        <a href={hrefOf(line)} data-row>
          <b>{line.name}</b> <small>{line.namespace}</small>
        </a>
      </span>
      <span role="cell" class="share">
        <StageBar percentage={line.percentage} stages={line.stages} tone={tone} />
        <span class="number">{line.percentage} %</span>
        <small class="stage">{line.stage ?? ""}</small>
      </span>
      <span role="cell" class="worst">
        <Worst line={line} />
      </span>
      <span role="cell" class="waits" title={line.message}>
        {line.waitingFor && <b>{line.waitingFor}</b>} {line.message}
      </span>
    </div>
  );
}

function Worst({ line: { worst } }: { line: RolloutLine }) {
  const { language, text } = useSpeech();
  if (worst === null) return <small>–</small>;
  const { value, limit } = worst;
  const told = value !== null && limit !== null && text.valueOfLimit(number(value, language), number(limit, language));
  return (
    <>
      <Sign tone={toneOfVerdict(worst.verdict)} />
      <span class="label">
        {worst.name} <span class={told ? "unseen" : "word"}>{word(text.verdicts, worst.verdict)}</span>
        {told && <small> {told}</small>}
      </span>
    </>
  );
}
