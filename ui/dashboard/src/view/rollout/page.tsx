import { useState } from "preact/hooks";
import { isLive } from "../../state/freshness";
import { afterDetailEvents, type DetailEvent, NO_ROLLOUT } from "../../state/rollout";
import { Store, useStore } from "../../state/store";
import { useSpeech, word } from "../../text/text";
import { useTitle } from "../document";
import { AheadContext } from "../shared/clock";
import { LiveBadge, StaleBanner } from "../shared/freshness";
import { useStream } from "../stream";
import { Acts } from "./acts";
import { FiguresSection } from "./figures";
import { Guardrails } from "./guardrails";
import { History } from "./history";
import { Summary } from "./summary";
import { Track } from "./track";

const TYPES: readonly DetailEvent["type"][] = ["detail", "figures", "gone", "alive"];

export function RolloutPage({ namespace, name }: { namespace: string; name: string }) {
  const { text } = useSpeech();
  const [store] = useState(() => new Store(NO_ROLLOUT, afterDetailEvents));
  const refused = useStream(`${namespace}/${name}`, TYPES, store);
  const { freshness, detail, figures, gone } = useStore(store);
  const live = isLive(freshness);
  useTitle(`${detail ? `${detail.percentage} % ` : ""}${name} – ${detail ? word(text.reasons, detail.phase) : "mlrollout"}`, live);
  return (
    <AheadContext.Provider value={freshness.ahead}>
      <main id="content" tabIndex={-1} class={`rollout ${live && !gone ? "" : "stale"}`}>
        <div class="heading">
          <nav aria-label={text.allRollouts}>
            <a href="#/">← {text.allRollouts}</a>
          </nav>
          <LiveBadge freshness={freshness} />
        </div>
        <StaleBanner freshness={freshness} refused={refused} />
        <h1>
          <small>{namespace} /</small> {name}
        </h1>
        {gone && (
          <p class="banner bad" role="alert">
            {text.gone[gone]}
          </p>
        )}
        {detail !== null && (
          <>
            <Summary detail={detail}>
              {!gone && <Acts detail={detail} live={live} />}
            </Summary>
            <div class="columns old-when-stale">
              <Track detail={detail} figures={figures} />
              <FiguresSection figures={figures} />
              <Guardrails guardrails={detail.guardrails} />
              <History history={detail.history} />
            </div>
          </>
        )}
      </main>
    </AheadContext.Provider>
  );
}
