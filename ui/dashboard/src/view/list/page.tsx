import { useMemo, useRef } from "preact/hooks";
import type { RolloutLine } from "../../contract";
import { isLive } from "../../state/freshness";
import { EVERYTHING, type Selection, select } from "../../state/selection";
import { standing } from "../../state/standing";
import type { ListEvent, Rollouts } from "../../state/rollouts";
import { type Store, useStore } from "../../state/store";
import { useSpeech } from "../../text/text";
import { useTitle } from "../document";
import { useStream } from "../stream";
import { AheadContext } from "../shared/clock";
import { LiveBadge, StaleBanner } from "../shared/freshness";
import { Filters } from "./filters";
import { useListKeys } from "./keys";
import { Row } from "./row";
import { useWindow } from "./window";

const TYPES: readonly ListEvent["type"][] = ["rollouts", "rollout", "gone", "alive"];

interface Props {
  /** They stay while one looks at a single rollout, and are shown as old until they are told anew. */
  rollouts: Store<Rollouts, ListEvent>;
  selection: Selection;
  onSelect(selection: Selection): void;
}

export function ListPage({ rollouts, selection, onSelect }: Props) {
  const { text } = useSpeech();
  const refused = useStream(null, TYPES, rollouts);
  const { freshness, lines } = useStore(rollouts);
  const live = isLive(freshness);
  const all = useMemo(() => [...lines.values()], [lines]);
  const shown = useMemo(() => select(all, selection), [all, selection]);
  const bad = all.filter((line) => standing(line) === "bad").length;
  useTitle(`${bad ? `(${bad}) ` : ""}${text.rollouts} – mlrollout`, live);
  const known = freshness.asOf !== null;
  return (
    <AheadContext.Provider value={freshness.ahead}>
      <main id="content" tabIndex={-1} class={`list ${live ? "" : "stale"}`}>
        <div class="heading">
          <h1>{text.rollouts}</h1>
          <LiveBadge freshness={freshness} />
        </div>
        <StaleBanner freshness={freshness} refused={refused} />
        <Filters lines={all} selection={selection} onSelect={(change) => onSelect({ ...selection, ...change })} />
        <p class="hint shown" role="status">
          {known && all.length > 0 ? text.shown(shown.length, all.length) : ""}
        </p>
        <Table shown={shown} />
        {known && shown.length === 0 && (
          <p class="empty">
            {all.length === 0 ? text.none : text.noneSelected}{" "}
            {all.length > 0 && (
              <button type="button" onClick={() => onSelect(EVERYTHING)}>
                {text.showAll}
              </button>
            )}
          </p>
        )}
      </main>
    </AheadContext.Provider>
  );
}

function Table({ shown }: { shown: RolloutLine[] }) {
  const { text } = useSpeech();
  const body = useRef<HTMLDivElement>(null);
  const { first, last, row } = useWindow(body, shown.length);
  useListKeys(body);
  const titles = [text.phase, text.rollout, text.percentage, text.worstGuardrail, text.waitsFor];
  return (
    <div role="table" class="table old-when-stale" aria-label={text.rollouts} aria-rowcount={shown.length + 1}>
      <div role="rowgroup" class="head">
        <div role="row" class="row titles" aria-rowindex={1}>
          {titles.map((title) => (
            <span role="columnheader" key={title}>
              {title}
            </span>
          ))}
        </div>
      </div>
      <div role="rowgroup" ref={body} class="body" style={{ height: `${shown.length * row}px` }}>
        <div role="presentation" style={{ transform: `translateY(${first * row}px)` }}>
          {shown.slice(first, last).map((line, index) => (
            <Row key={line.uid} line={line} index={first + index + 2} />
          ))}
        </div>
      </div>
    </div>
  );
}

