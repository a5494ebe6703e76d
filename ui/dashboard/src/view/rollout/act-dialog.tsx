import { useEffect, useRef, useState } from "preact/hooks";
import type { RolloutDetail, Verb, VerbOutcome } from "../../contract";
import { act, type Reply } from "../../net/api";
import type { Dictionary } from "../../text/en";
import { useSpeech } from "../../text/text";
import { useSession } from "../session";
import type { Outcome } from "./acts";

const LONGEST = 200;
/** What the server does also where the rollout has moved on. */
const LOWER: readonly Verb[] = ["rollback", "demote", "pause"];

interface Props {
  verb: Verb;
  detail: RolloutDetail;
  live: boolean;
  onClose(): void;
  onOutcome(outcome: Outcome): void;
}

/** Asks for a reason, asks the operator, and tells why it refused. What was written stays until it is done. */
export function ActDialog({ verb, detail: latest, live, onClose, onOutcome }: Props) {
  const { text } = useSpeech();
  const { csrf, ended } = useSession();
  const dialog = useRef<HTMLDialogElement>(null);
  const closed = useRef(false);
  // What the person decided on is what stood there when this was opened, also where it is sent a second time.
  const [detail] = useState(latest);
  const [reason, setReason] = useState("");
  const below = detail.stages.map((stage) => stage.percentage).filter((one) => one > 0 && one < detail.asked);
  const [percentage, setPercentage] = useState(Math.max(0, ...below));
  const [sending, setSending] = useState(false);
  const [trouble, setTrouble] = useState("");
  const title = text.verbs[verb];
  const means = detail.offers.find((offer) => offer.verb === verb)?.means;

  useEffect(() => {
    dialog.current?.showModal();
    return () => {
      closed.current = true;
      dialog.current?.close();
    };
  }, []);

  const submit = async (event: Event) => {
    event.preventDefault();
    if (sending) return;
    if (!reason.trim()) return setTrouble(text.reasonMissing);
    setSending(true);
    setTrouble("");
    const asked = {
      verb,
      reason: reason.trim(),
      ...(verb === "demote" && below.length > 0 ? { percentage } : {}),
      ...(verb === "rollback" ? {} : { seen: detail.situation }),
    };
    const reply = await act(csrf, detail.namespace, detail.name, asked);
    const outcome = outcomeOf(reply, title, text);
    if (outcome) return onOutcome(outcome);
    setSending(false);
    if (reply.kind === "signed-out") ended();
    else setTrouble(troubleOf(reply, verb, text));
  };
  // The browser tells of a closed dialog a moment after the focus is back: whoever opens it again by then, opens another.
  const close = () => {
    if (!closed.current) onClose();
    closed.current = true;
  };
  return (
    <dialog
      ref={dialog}
      class="act"
      aria-labelledby="act-title"
      aria-describedby="act-means"
      onCancel={(event) => {
        event.preventDefault();
        if (sending) return;
        dialog.current?.close(); // the focus goes back to where it was
        close();
      }}
      onClose={close}
    >
      <form onSubmit={submit}>
        <h2 id="act-title">
          {title}: {detail.namespace} / {detail.name}
        </h2>
        <div id="act-means">
          <p>{text.means[verb]}</p>
          {means && <p class="hint">{means}</p>}
          {verb === "approve" && detail.waiting && <p class="note waiting">{toBeNamed(detail, text)}</p>}
        </div>
        {!live && <p class="note waiting">{text.notLiveNow}</p>}
        {!LOWER.includes(verb) && !sending && !isSame(detail, latest) && (
          <p class="note waiting" role="status">
            {text.movedOn}
          </p>
        )}
        {verb === "demote" && below.length > 0 && (
          <>
            <label for="act-percentage">{text.atMost}</label>
            <select
              id="act-percentage"
              value={percentage}
              onChange={(event) => setPercentage(Number(event.currentTarget.value))}
            >
              {below.map((one) => (
                <option key={one} value={one}>
                  {one} %
                </option>
              ))}
            </select>
          </>
        )}
        <label for="act-reason">{text.reason}</label>
        <textarea
          id="act-reason"
          rows={2}
          maxLength={LONGEST}
          autofocus
          aria-describedby="act-hint"
          aria-invalid={trouble !== "" && !reason.trim()}
          value={reason}
          onInput={(event) => setReason(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && !event.shiftKey && !event.isComposing) void submit(event);
          }}
        />
        <p id="act-hint" class="hint">
          {text.reasonHint}
        </p>
        <p class="note bad" role="alert" hidden={!trouble}>
          {trouble}
        </p>
        <div class="buttons">
          <button type="button" disabled={sending} onClick={() => dialog.current?.close()}>
            {text.cancel}
          </button>
          <button type="submit" class={`main ${verb}`} aria-disabled={sending}>
            {sending ? text.sending : title}
          </button>
        </div>
      </form>
    </dialog>
  );
}

const isSame = (one: RolloutDetail, other: RolloutDetail) => JSON.stringify(one.situation) === JSON.stringify(other.situation);

/** Where a revision waits, the reason has to begin with it: any other word is for a stage, or refused. */
function toBeNamed({ waiting, stages, rolledBack }: RolloutDetail, text: Dictionary): string {
  const next = rolledBack ? undefined : stages.find((stage) => stage.place === "ahead");
  return next?.manual ? text.nameEither(waiting, next.name) : text.nameRevision(waiting);
}

/** What is done, or is on its way; `null` where it is refused, or nobody knows. */
function outcomeOf(reply: Reply<VerbOutcome>, verb: string, text: Dictionary): Outcome | null {
  if (reply.kind !== "said" || !reply.value.accepted) return null;
  const { answered, message } = reply.value;
  return answered
    ? { tone: "done", title: text.accepted(verb), message }
    : { tone: "waiting", title: text.passedOn(verb), message };
}

function troubleOf(reply: Reply<VerbOutcome>, verb: Verb, text: Dictionary): string {
  const title = text.verbs[verb];
  if (reply.kind === "said") return `${text.notAccepted(title)} ${reply.value.message}`;
  if (reply.kind === "refused" && reply.undone) return `${text.refused(title)} ${reply.message}`;
  const unknown = verb === "rollback" ? text.noAnswerToRollback : text.noAnswer;
  return reply.kind === "refused" ? `${unknown} (${reply.message})` : unknown;
}
