import type { GroupFigure, RolloutFigures, ShownFigure } from "../../contract";
import { count, moment, quantity, target } from "../../text/format";
import { useSpeech } from "../../text/text";
import { Sign, type Tone } from "../shared/sign";
import { Trend } from "./trend";

export type Group = keyof ShownFigure["groups"];
export const GROUPS: readonly Group[] = ["treatment", "control"];

export function FiguresSection({ figures }: { figures: RolloutFigures | null }) {
  const { language, text } = useSpeech();
  return (
    <section class="figures" aria-labelledby="figures">
      <h2 id="figures">
        {text.figures}{" "}
        {figures && <small>{text.figuresAsOf(moment(figures.asOf, language), Math.round(figures.interval))}</small>}
      </h2>
      {figures === null || figures.figures.length === 0 ? (
        <p class="empty">{text.noFigures}</p>
      ) : (
        <ul class="cards">
          {figures.figures.map((figure) => (
            <FigureCard key={figure.key} figure={figure} />
          ))}
        </ul>
      )}
    </section>
  );
}

export function FigureCard({ figure }: { figure: ShownFigure }) {
  const speech = useSpeech();
  const { language, text } = speech;
  const title = figure.title[language];
  return (
    <li class="card">
      <h3>{title}</h3>
      <p class="hint">{text.target(target(figure.target, figure.unit, speech))}</p>
      {figure.error && <p class="note waiting">{figure.error}</p>}
      {figure.target.relative && (
        <p class="change">{text.change(figure.change === null ? text.noData : quantity(figure.change, "%", language))}</p>
      )}
      <div class="groups">
        {GROUPS.map((group) => (
          <GroupValue key={group} group={group} found={figure.groups[group]} unit={figure.unit} />
        ))}
      </div>
      <Trend figure={figure} title={title} />
    </li>
  );
}

interface GroupProps {
  group: Group;
  found: GroupFigure | undefined;
  unit: string;
}

function GroupValue({ group, found, unit }: GroupProps) {
  const { language, text } = useSpeech();
  const value = found?.value ?? null;
  return (
    <div class={`group ${group}`}>
      <span class="label">
        <span class="key" aria-hidden="true" /> {text.groups[group]}
      </span>
      {value === null ? (
        <span class="value none">{text.noData}</span>
      ) : (
        <span class="value">{quantity(value, unit, language)}</span>
      )}
      <Met ok={value === null ? null : (found?.ok ?? null)} />
      {value !== null && <small>{found?.samples == null ? text.noSamples : text.samples(count(found.samples, language))}</small>}
    </div>
  );
}

function Met({ ok }: { ok: boolean | null }) {
  const { text } = useSpeech();
  if (ok === null) return null;
  const tone: Tone = ok ? "done" : "bad";
  return (
    <span class={`met ${tone}`}>
      <Sign tone={tone} /> {ok ? text.meets : text.misses}
    </span>
  );
}
