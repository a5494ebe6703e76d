import type { Id } from "../state/model";
import type { Choice } from "../state/panel";
import { useSpeech } from "../text/speech";

interface Props {
  vehicle: { vehicleId: Id; vehicleCode: string };
  best: boolean;
  assigning: Choice | null;
  assign: () => void;
}

/** It keeps the focus while it can't be pressed, which a disabled one would lose. */
export function AssignButton({ vehicle, best, assigning, assign }: Props) {
  const { text } = useSpeech();
  const mine = assigning?.vehicleId === vehicle.vehicleId;
  return (
    <button className={best ? "main" : ""} aria-disabled={assigning !== null} onClick={assign}>
      {mine ? text.assigning : text.assign(vehicle.vehicleCode)}
    </button>
  );
}
