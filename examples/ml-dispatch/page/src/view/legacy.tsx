import type { Near } from "../state/model";
import type { Choice, Desk, Fallback } from "../state/panel";
import { useSpeech } from "../text/speech";
import { AssignButton } from "./assign-button";
import { number } from "./format";
import { Failed, Lines } from "./shared";

interface Props {
  nearest: Desk["nearest"];
  /** Why it stands in for the ML panel; null where it stands for itself. */
  why: Fallback | null;
  trouble: string | null;
  assigning: Choice | null;
  assign: (choice: Choice) => void;
  retry: () => void;
}

/** The nearest vehicles: what everybody had before there was a model, and has when it fails. */
export function Legacy({ nearest, why, trouble, assigning, assign, retry }: Props) {
  const { text } = useSpeech();
  return (
    <>
      <header className="panel-head">
        <h3 tabIndex={-1}>{text.nearest.heading}</h3>
        <p className="hint">{text.nearest.hint}</p>
      </header>
      {trouble && <p className="note">{trouble}</p>}
      {why && !trouble && nearest !== "failed" && <p className="note quiet">{text.fallback[why]}</p>}
      {nearest === null && <Lines count={5} />}
      {nearest === "failed" && <Failed retry={retry}>{text.nearest.failed}</Failed>}
      {Array.isArray(nearest) && <Rows vehicles={nearest} assigning={assigning} assign={assign} />}
    </>
  );
}

interface RowsProps {
  vehicles: readonly Near[];
  assigning: Choice | null;
  assign: (choice: Choice) => void;
}

function Rows({ vehicles, assigning, assign }: RowsProps) {
  const { text, language } = useSpeech();
  if (vehicles.length === 0) return <p className="empty">{text.nearest.empty}</p>;
  return (
    <ol className="rows">
      {vehicles.map((one, index) => (
        <li key={one.vehicleId}>
          <span className="rank" aria-hidden="true">
            {index + 1}
          </span>
          <span className="code">{one.vehicleCode}</span>
          <span className="away">{text.nearest.away(number(one.distanceKm, 1, language))}</span>
          <AssignButton vehicle={one} best={index === 0} assigning={assigning} assign={() => assign({ ...one, by: "legacy" })} />
        </li>
      ))}
    </ol>
  );
}
