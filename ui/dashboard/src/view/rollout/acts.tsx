import { useEffect, useRef, useState } from "preact/hooks";
import type { RolloutDetail, Verb } from "../../contract";
import { useSpeech } from "../../text/text";
import { ActDialog } from "./act-dialog";

/** The verbs in the order in which they stand: what takes everybody out first. */
const ORDER: readonly Verb[] = ["rollback", "retry", "approve", "resume", "pause", "promote", "demote"];

/** What came of a verb, as it is told under the buttons. */
export interface Outcome {
  tone: "done" | "waiting";
  title: string;
  message: string;
}

export function Acts({ detail, live }: { detail: RolloutDetail; live: boolean }) {
  const { text } = useSpeech();
  const [asked, setAsked] = useState<Verb | null>(null);
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const note = useRef<HTMLParagraphElement>(null);
  // The button may be gone with what it did: the keyboard goes on from the answer.
  useEffect(() => {
    if (outcome) note.current?.focus();
  }, [outcome]);
  const can = ORDER.filter((verb) => detail.can.includes(verb));
  return (
    <div class="acts" role="group" aria-label={text.acts}>
      {can.map((verb) => (
        <button
          key={verb}
          type="button"
          class={`${verb} ${verb === detail.advised ? "advised" : ""}`}
          onClick={() => setAsked(verb)}
        >
          {text.verbs[verb]} …
        </button>
      ))}
      {can.length === 0 && <p class="hint">{text.mayNot}</p>}
      <div role="status">
        {outcome && (
          <p ref={note} tabIndex={-1} class={`note ${outcome.tone}`}>
            <b>{outcome.title}</b> {outcome.message}
          </p>
        )}
      </div>
      {asked && (
        <ActDialog
          verb={asked}
          detail={detail}
          live={live}
          onClose={() => setAsked(null)}
          onOutcome={(told) => {
            setAsked(null);
            setOutcome(told);
          }}
        />
      )}
    </div>
  );
}
