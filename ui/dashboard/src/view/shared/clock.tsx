import { createContext } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";
import { span } from "../../text/format";
import { useSpeech } from "../../text/text";

/** Milliseconds that the server's clock is ahead of this one's. */
export const AheadContext = createContext(0);

/** The server's time in milliseconds, anew each second. */
export function useNow(): number {
  const ahead = useContext(AheadContext);
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return now + ahead;
}

/** How long ago something was, counting on. */
export function Age({ since }: { since: string }) {
  const now = useNow();
  const speech = useSpeech();
  return <time dateTime={since}>{span((now - Date.parse(since)) / 1000, speech)}</time>;
}
