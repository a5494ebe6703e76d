import { useContext, useMemo } from "preact/hooks";
import type { RolloutDetail, RolloutFigures, TrackEvent } from "../../contract";
import { trackOf } from "../../state/track";
import { moment, move } from "../../text/format";
import { useSpeech, word } from "../../text/text";
import { Chart } from "../chart/chart";
import { AheadContext } from "../shared/clock";
import { lineUp } from "../chart/data";
import { trackOptions } from "../chart/track";

const SHOWN = 4;

/** The percentage over time: its stages, what changed it, and who did. */
export function Track({ detail, figures }: { detail: RolloutDetail; figures: RolloutFigures | null }) {
  const speech = useSpeech();
  const { text } = speech;
  const ahead = useContext(AheadContext);
  const { points, events } = useMemo(() => trackOf(detail, figures, Date.now() + ahead), [detail, figures]);
  const data = useMemo(() => lineUp([points]), [points]);
  return (
    <section class="track" aria-labelledby="track">
      <h2 id="track">{text.percentageOverTime}</h2>
      {points.length === 0 ? (
        <p class="chart nothing">{text.noData}</p>
      ) : (
        <Chart
          label={text.percentageSummary(detail.percentage, events.length)}
          build={(look) => trackOptions(look, detail.stages, events, speech)}
          about={`${speech.language} ${detail.stages.map((one) => one.percentage).join()} ${events.length} ${events.at(-1)?.at}`}
          data={data}
          tall
        />
      )}
      <ol class="changes">
        {events
          .slice(-SHOWN)
          .reverse()
          .map((event) => (
            <Change key={event.at} event={event} />
          ))}
      </ol>
    </section>
  );
}

function Change({ event }: { event: TrackEvent }) {
  const { language, text } = useSpeech();
  const at = new Date(event.at * 1000);
  return (
    <li>
      <time dateTime={at.toISOString()}>{moment(event.at * 1000, language)}</time>{" "}
      <b>{move(event.from, event.to)}</b>{" "}
      {word(text.reasons, event.reason)}
      {event.by && ` ${text.by(event.by)}`}
    </li>
  );
}
