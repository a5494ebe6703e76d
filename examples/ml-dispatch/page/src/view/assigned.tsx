import { useEffect, useRef, useState } from "react";
import * as api from "../net/api";
import type { Reply } from "../net/call";
import type { Dispatch } from "../state/model";
import { useSpeech } from "../text/speech";
import { Survey } from "./survey";

interface Props {
  dispatch: Dispatch;
  changed: (dispatch: Dispatch) => void;
}

/** The vehicle that was chosen, what becomes of it, and how good the choice was. */
export function Assigned({ dispatch, changed }: Props) {
  const { text } = useSpeech();
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState("");
  const heading = useArrival();

  const act = async (call: Promise<Reply<Dispatch>>) => {
    setBusy(true);
    const reply = await call;
    setBusy(false);
    setTrouble(reply.kind === "failed" ? reply.message || text.dispatch.failed : "");
    if (reply.kind === "said") changed(reply.value);
  };
  const { status, assignedBy, vehicleCode, id } = dispatch;
  return (
    <section className="assigned" aria-labelledby="assigned">
      <h3 id="assigned" tabIndex={-1} ref={heading}>
        <span className="code">{vehicleCode}</span> {text.dispatch[status]}
      </h3>
      <p className="hint">{assignedBy === "ml_assisted" ? text.dispatch.withMl : text.dispatch.byHand}</p>
      {status === "assigned" && (
        <div className="acts">
          <button className="main" disabled={busy} onClick={() => act(api.complete(id))}>
            {text.dispatch.complete}
          </button>
          <button disabled={busy} onClick={() => act(api.cancel(id))}>
            {text.dispatch.cancel}
          </button>
        </div>
      )}
      <div role="status">{trouble && <p className="note">{trouble}</p>}</div>
      <Survey dispatch={dispatch} send={(rating, comment) => act(api.rate(id, rating, comment))} />
    </section>
  );
}

/** Whoever has just assigned it stands where the button was: they are led here. Who comes by the list stays there. */
function useArrival() {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (document.activeElement === document.body) heading.current?.focus();
  }, []);
  return heading;
}
