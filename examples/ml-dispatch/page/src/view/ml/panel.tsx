import type { Card, Recommendation } from "../../state/model";
import type { Choice } from "../../state/panel";
import { scoreText, tone } from "../../state/score";
import { useSpeech } from "../../text/speech";
import { AssignButton } from "../assign-button";
import { MlHeading } from "./heading";

interface Props {
  found: Recommendation;
  assigning: Choice | null;
  assign: (choice: Omit<Choice, "by">) => void;
}

/** The vehicles that the model recommends, best first. */
export default function MlPanel({ found, assigning, assign }: Props) {
  const { text } = useSpeech();
  return (
    <>
      <MlHeading />
      <ol className="cards">
        {found.cards.map((card) => (
          <li key={card.vehicleId} className="card" aria-label={`${text.ml.rank(card.rank)}: ${card.vehicleCode}`}>
            <Score card={card} />
            <p className="reason">{card.reason}</p>
            <Breakdown card={card} />
            <AssignButton vehicle={card} best={card.rank === 1} assigning={assigning} assign={() => assign(card)} />
          </li>
        ))}
      </ol>
      <p className="hint">{text.ml.model(found.model)}</p>
    </>
  );
}

function Score({ card }: { card: Card }) {
  const { text } = useSpeech();
  const kind = tone(card.score);
  return (
    <div className="card-head">
      <span className="rank" aria-hidden="true">
        {card.rank}
      </span>
      <span className="code">{card.vehicleCode}</span>
      <span className={`score ${kind}`}>
        <span className="unseen">{text.ml.score} </span>
        <b>{scoreText(card.score)}</b> <span>{text.tone[kind]}</span>
      </span>
    </div>
  );
}

function Breakdown({ card: { breakdown } }: { card: Card }) {
  const { text } = useSpeech();
  const shares = ["distance", "rotation", "timeWindow", "preference"] as const;
  return (
    <dl className="breakdown">
      {shares.map((name) => (
        <div key={name}>
          <dt>{text.breakdown[name]}</dt>
          <dd>
            <span className="bar" aria-hidden="true">
              <span style={{ width: `${breakdown[name] * 100}%` }} />
            </span>
            {scoreText(breakdown[name])}
          </dd>
        </div>
      ))}
      <div>
        <dt>{text.breakdown.voltage}</dt>
        <dd>
          <Sign yes={breakdown.voltage} /> {breakdown.voltage ? text.breakdown.yes : text.breakdown.no}
        </dd>
      </div>
    </dl>
  );
}

const Sign = ({ yes }: { yes: boolean }) => (
  <svg className={yes ? "sign yes" : "sign no"} viewBox="0 0 16 16" aria-hidden="true">
    <path d={yes ? "M3 8.5l3.5 3.5L13 4.5" : "M4 4l8 8M12 4l-8 8"} />
  </svg>
);
