import type { ComponentChildren } from "preact";
import type { DetailGuardrail } from "../../contract";
import { count, number, span } from "../../text/format";
import { useSpeech, word } from "../../text/text";
import { Age } from "../shared/clock";
import { Sign, toneOfVerdict } from "../shared/sign";
import { EMeter, IntervalBar, Looks } from "./evidence";

export function Guardrails({ guardrails }: { guardrails: readonly DetailGuardrail[] }) {
  const { text } = useSpeech();
  return (
    <section class="guardrails" aria-labelledby="guardrails">
      <h2 id="guardrails">{text.guardrails}</h2>
      {guardrails.length === 0 ? (
        <p class="empty">{text.noGuardrails}</p>
      ) : (
        <ul class="cards">
          {guardrails.map((one) => (
            <GuardrailCard key={one.name} guardrail={one} />
          ))}
        </ul>
      )}
    </section>
  );
}

export function GuardrailCard({ guardrail }: { guardrail: DetailGuardrail }) {
  const speech = useSpeech();
  const { language, text } = speech;
  const tone = toneOfVerdict(guardrail.verdict);
  return (
    <li class={`card guardrail ${tone}`}>
      <h3>
        {guardrail.name}{" "}
        <small>
          {guardrail.kind}, {word(text.actions, guardrail.action)}
        </small>
      </h3>
      <p class={`verdict ${tone}`}>
        <Sign tone={tone} /> {word(text.verdicts, guardrail.verdict)}
        {guardrail.proven && <span class="proven"> ✓ {text.proven}</span>}
      </p>
      <dl>
        <Fact title={text.value}>
          {guardrail.value === null ? <i>{text.noData}</i> : <b>{number(guardrail.value, language)}</b>}
          {guardrail.recent.length > 1 && <Looks looks={guardrail.recent} limit={guardrail.limit} />}
        </Fact>
        <Fact title={text.limit}>{limitOf(guardrail, language)}</Fact>
        <Fact title={text.age}>
          {guardrail.at === null ? "–" : <Age since={guardrail.at} />}
          {guardrail.window !== null && guardrail.window >= 1 && <small> {text.looksBack(span(guardrail.window, speech))}</small>}
        </Fact>
        <Fact title={text.samplesTitle}>{guardrail.samples === null ? "–" : count(guardrail.samples, language)}</Fact>
        {guardrail.interval && (
          <Fact title={text.interval} hint={text.intervalHint}>
            {number(guardrail.interval[0], language)} … {number(guardrail.interval[1], language)}
            <IntervalBar interval={guardrail.interval} estimate={guardrail.estimate} limit={guardrail.limit} />
          </Fact>
        )}
        {guardrail.eValue !== null && guardrail.eBound !== null && (
          <Fact title={text.eValue} hint={text.eValueHint}>
            {text.eOfBound(number(guardrail.eValue, language), number(guardrail.eBound, language))}
            <EMeter value={guardrail.eValue} bound={guardrail.eBound} />
          </Fact>
        )}
      </dl>
      {guardrail.message && <p class="message">{guardrail.message}</p>}
    </li>
  );
}

function Fact({ title, hint, children }: { title: string; hint?: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>
        {title} {hint && <small>{hint}</small>}
      </dt>
      <dd>{children}</dd>
    </div>
  );
}

function limitOf({ bound, limit }: DetailGuardrail, language: string): string {
  if (limit === null) return "–";
  const value = number(limit, language);
  if (bound === "min") return `≥ ${value}`;
  return bound === "ratio" ? `≤ ${value} ×` : `≤ ${value}`;
}
