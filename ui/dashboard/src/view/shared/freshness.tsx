import { type Freshness, isLive } from "../../state/freshness";
import { moment } from "../../text/format";
import { type Speech, useSpeech } from "../../text/text";
import { Age } from "./clock";

/** Whether the page is live, in a word; it is always there. */
export function LiveBadge({ freshness }: { freshness: Freshness }) {
  const { language, text } = useSpeech();
  const live = isLive(freshness);
  const waiting = !live && freshness.connected && freshness.source === "live";
  const at = freshness.asOf === null ? "" : text.asOf(moment(freshness.asOf, language));
  return (
    <p class={`live ${live ? "on" : "off"}`} role="status">
      <span class="dot" aria-hidden="true" />
      {live ? text.live : waiting || freshness.asOf === null ? text.connecting : text.cutOff}
      {!live && at && <span class="hint"> {at}</span>}
    </p>
  );
}

/** What has to be known before anything on the page is believed. */
export function StaleBanner({ freshness, refused }: { freshness: Freshness; refused: string }) {
  const speech = useSpeech();
  const told = refused ? speech.text.refusedStream(refused) : staleness(freshness, speech);
  // The age counts on outside of what a screen reader is told, or it would be told each second.
  return told ? (
    <div class="banner waiting stale-banner">
      <p role="alert">{told}</p>
      {freshness.asOf !== null && (
        <p class="age">
          <Age since={freshness.asOf} />
        </p>
      )}
    </div>
  ) : null;
}

function staleness({ asOf, connected, source, why, told }: Freshness, { language, text }: Speech): string {
  if (connected && told && source === "live") return "";
  if (asOf === null) return connected && source === "live" ? "" : text.neverLive;
  const time = moment(asOf, language);
  return source === "stale" ? text.sourceStale(time, why) : text.notLive(time);
}
