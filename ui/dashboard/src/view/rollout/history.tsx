import type { DetailStep } from "../../contract";
import { moment, move } from "../../text/format";
import { useSpeech, word } from "../../text/text";
import { Sign } from "../shared/sign";

/** What happened, the newest first, each with who asked for it and on which evidence. */
export function History({ history }: { history: readonly DetailStep[] }) {
  const { text } = useSpeech();
  return (
    <section class="history" aria-labelledby="history">
      <h2 id="history">{text.history}</h2>
      {history.length === 0 ? (
        <p class="empty">{text.noHistory}</p>
      ) : (
        <ol reversed>
          {history.toReversed().map((step) => (
            <Step key={step.serial} step={step} />
          ))}
        </ol>
      )}
    </section>
  );
}

function Step({ step }: { step: DetailStep }) {
  const { language, text } = useSpeech();
  return (
    <li class={step.warning ? "warning" : ""}>
      <p class="what">
        {step.at && (
          <time dateTime={step.at} title={step.at}>
            {moment(step.at, language)}
          </time>
        )}{" "}
        {step.warning && <Sign tone="bad" />} <b>{word(text.reasons, step.reason)}</b>{" "}
        {step.from !== step.to && (
          <span class="move">{move(step.from, step.to)}</span>
        )}{" "}
        {step.by && <span class="by">{text.by(step.by)}</span>}
      </p>
      <p class="message">{step.message}</p>
    </li>
  );
}
