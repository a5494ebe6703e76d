import { type Freshness, isLive } from "../../state/freshness";
import { moment, span } from "../../text/format";
import { type Speech, useSpeech } from "../../text/text";
import { useNow } from "./clock";

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
  const now = useNow();
  const told = refused ? speech.text.refusedStream(refused) : staleness(freshness, now, speech);
  return told ? (
    <p class="banner waiting stale-banner" role="alert">
      {told}
    </p>
  ) : null;
}

function staleness(freshness: Freshness, now: number, speech: Speech): string {
  if (isLive(freshness)) return "";
  const { asOf } = freshness;
  if (asOf === null) return freshness.connected ? "" : speech.text.neverLive;
  const time = moment(asOf, speech.language, now);
  const ago = span((now - Date.parse(asOf)) / 1000, speech);
  if (freshness.source === "stale") return speech.text.sourceStale(time, ago, freshness.why);
  return speech.text.notLive(time, ago);
}
