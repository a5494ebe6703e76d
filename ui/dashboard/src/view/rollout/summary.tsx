import type { ComponentChildren } from "preact";
import type { RolloutDetail } from "../../contract";
import { standing } from "../../state/standing";
import { span } from "../../text/format";
import { useSpeech, word } from "../../text/text";
import { Sign } from "../shared/sign";
import { StageBar } from "../shared/stage-bar";

/** How it is, in two seconds: its state, its percentage, and what is in the way. */
export function Summary({ detail, children }: { detail: RolloutDetail; children: ComponentChildren }) {
  const { text } = useSpeech();
  const tone = standing(detail);
  return (
    <section class={`summary ${tone}`} aria-label={word(text.reasons, detail.phase)}>
      <div class="state old-when-stale">
        <p class="phase">
          <Sign tone={tone} /> {word(text.reasons, detail.phase)}
        </p>
        <p class="share">
          <strong>{detail.percentage} %</strong> <span>{text.usersInTreatment}</span>
          {detail.asked !== detail.percentage && <span class="hint"> ({text.askedFor(detail.asked)})</span>}
        </p>
        <StageBar percentage={detail.percentage} stages={detail.stages} tone={tone} />
        <Stages detail={detail} />
      </div>
      <div class="why old-when-stale">
        <h2>
          {text.blocks}
          {detail.waitingFor && `: ${detail.waitingFor}`}
        </h2>
        <p class="message">{detail.message}</p>
        {detail.todo && (
          <p>
            <b>{text.todo}:</b> {detail.todo}
          </p>
        )}
        {detail.traffic && (
          <p class="note waiting">
            <b>{text.traffic}:</b> {detail.traffic}
          </p>
        )}
        {detail.contested && (
          <p class="note bad">
            <b>{text.contested}:</b> {detail.contested}
          </p>
        )}
        <Facts detail={detail} />
      </div>
      {children}
    </section>
  );
}

function Stages({ detail }: { detail: RolloutDetail }) {
  const speech = useSpeech();
  const { text } = speech;
  return (
    <ol class="stages" aria-label={text.stages}>
      {detail.stages.map((stage) => (
        <li key={stage.name} class={stage.place} aria-current={stage.place === "here" ? "step" : undefined}>
          <b>{stage.name}</b> {stage.percentage} %{stage.manual && <small> {text.manual}</small>}
          {stage.served !== null && (
            <small> {text.servedOf(span(stage.served, speech), span(stage.duration, speech))}</small>
          )}
        </li>
      ))}
    </ol>
  );
}

function Facts({ detail }: { detail: RolloutDetail }) {
  const { text } = useSpeech();
  return (
    <dl class="facts">
      <div>
        <dt>{text.revision}</dt>
        <dd>
          {detail.revision || "–"}
          {detail.waiting && <small> ({text.revisionWaits(detail.waiting)})</small>}
        </dd>
      </div>
      <div>
        <dt>{text.attempt}</dt>
        <dd>{detail.attempt}</dd>
      </div>
      <div>
        <dt>{text.key}</dt>
        <dd>
          {detail.key}
          {detail.holdback > 0 && <small> ({text.holdback(detail.holdback)})</small>}
        </dd>
      </div>
    </dl>
  );
}
