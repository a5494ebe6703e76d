import { useEffect, useState } from "preact/hooks";
import { streamUrl } from "../net/api";
import { Stream } from "../net/stream";
import { useSpeech } from "../text/text";
import { useSession } from "./session";

/** Keeps a store up to date while the page is shown.
 *
 * @returns why the server refuses it; empty where it does not
 */
export function useStream<Event extends { type: string }>(
  rollout: string | null,
  types: readonly Event["type"][],
  store: { push(event: Event): void },
): string {
  const { tag, times, ended, isOf } = useSession();
  const { text } = useSpeech();
  const [refused, setRefused] = useState("");
  const push = (type: string, data?: unknown) => store.push({ type, data } as unknown as Event);
  useEffect(() => {
    const stream = new Stream(streamUrl(rollout, tag), types, {
      opened: () => push("opened"),
      cut: () => push("cut"),
      said: (type, data) => {
        setRefused("");
        push(type, data);
      },
      signedOut: ended,
      refused: setRefused,
      isOf,
    });
    return () => {
      stream.close();
      push("cut");
    };
  }, [rollout, times]);
  return refused === "crowded" ? text.crowded : refused;
}
