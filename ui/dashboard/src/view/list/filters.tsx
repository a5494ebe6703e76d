import type { RolloutLine } from "../../contract";
import { type Selection, standings, valuesOf } from "../../state/selection";
import { STANDINGS } from "../../state/standing";
import { useSpeech, word } from "../../text/text";
import { Sign } from "../shared/sign";

interface Props {
  lines: readonly RolloutLine[];
  selection: Selection;
  onSelect(change: Partial<Selection>): void;
}

export function Filters({ lines, selection, onSelect }: Props) {
  const { text } = useSpeech();
  return (
    <form role="search" class="filters" onSubmit={(event) => event.preventDefault()}>
      <Standings lines={lines} selection={selection} onSelect={onSelect} />
      <input
        type="search"
        id="search"
        aria-label={text.search}
        placeholder={text.searchHint}
        value={selection.text}
        onInput={(event) => onSelect({ text: event.currentTarget.value })}
      />
      <select
        aria-label={text.namespace}
        value={selection.namespace}
        onChange={(event) => onSelect({ namespace: event.currentTarget.value })}
      >
        <option value="">{text.everyNamespace}</option>
        {options(valuesOf(lines, "namespace"), selection.namespace).map((one) => (
          <option key={one} value={one}>
            {one}
          </option>
        ))}
      </select>
      <select
        aria-label={text.phase}
        value={selection.phase}
        onChange={(event) => onSelect({ phase: event.currentTarget.value })}
      >
        <option value="">{text.everyPhase}</option>
        {options(valuesOf(lines, "phase"), selection.phase).map((one) => (
          <option key={one} value={one}>
            {word(text.reasons, one)}
          </option>
        ))}
      </select>
      <select
        aria-label={text.order}
        value={selection.order}
        onChange={(event) => onSelect({ order: event.currentTarget.value as Selection["order"] })}
      >
        <option value="urgency">{text.orders.urgency}</option>
        <option value="name">{text.orders.name}</option>
      </select>
    </form>
  );
}

/** What is chosen stays a choice, even where no rollout is like it any more. */
function options(found: string[], chosen: string): string[] {
  return chosen && !found.includes(chosen) ? [...found, chosen] : found;
}

function Standings({ lines, selection, onSelect }: Props) {
  const { text } = useSpeech();
  const counts = standings(lines);
  return (
    <div class="standings" role="group" aria-label={text.phase}>
      {STANDINGS.map((one) => (
        <button
          key={one}
          type="button"
          class={`chip ${one} ${counts[one] ? "" : "nobody"}`}
          aria-pressed={selection.standing === one}
          onClick={() => onSelect({ standing: selection.standing === one ? "" : one })}
        >
          <Sign tone={one} />
          <span class="count">{counts[one]}</span> {text.standings[one]}
        </button>
      ))}
    </div>
  );
}
