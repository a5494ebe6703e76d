import { useSpeech } from "../../text/speech";
import { MlHeading } from "./heading";

/** Where the three cards will be. */
export function CardBones() {
  const { text } = useSpeech();
  return (
    <>
      <MlHeading />
      <p className="unseen" role="status">
        {text.ml.loading}
      </p>
      <div className="cards skeleton" aria-hidden="true">
        {[1, 2, 3].map((rank) => (
          <div key={rank} className="bone card-bone" />
        ))}
      </div>
    </>
  );
}
