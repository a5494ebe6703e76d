import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { SessionAnswer } from "../contract";
import { type Reply, session as askSession, type SignInBy, signOut } from "../net/api";
import { type Route, useRoute } from "../route";
import { afterListEvents, NO_ROLLOUTS } from "../state/rollouts";
import { EVERYTHING } from "../state/selection";
import { Store } from "../state/store";
import { DICTIONARIES, SpeechContext } from "../text/text";
import { DarkContext } from "./chart/chart";
import { Header } from "./header";
import { ListPage } from "./list/page";
import { usePreferences } from "./preferences";
import { RolloutPage } from "./rollout/page";
import { SessionContext } from "./session";
import { SignIn } from "./sign-in";

const RETRY = 3000;

/** Who is signed in, and how often somebody signed in: each time, streams begin anew. */
interface SignedIn {
  session: SessionAnswer | null;
  times: number;
  /** `asking` until the server has said whether there is a session. */
  state: "asking" | "in" | "out" | "unreachable";
  how: SignInBy;
}

/** Why signing out failed. */
type NotDone = Exclude<Reply<unknown>, { kind: "said" | "signed-out" }>;

export function App() {
  const preferences = usePreferences();
  const route = useRoute();
  const [signed, setSigned] = useState<SignedIn>({ session: null, times: 0, state: "asking", how: "token" });
  const [stays, setStays] = useState<NotDone | null>(null);
  const latest = useRef(signed);
  latest.current = signed;
  const entered = useCallback((session: SessionAnswer) => {
    setStays(null);
    setSigned((known) => ({ ...known, session, times: known.times + 1, state: "in" }));
  }, []);
  const ended = useCallback((how?: SignInBy) => {
    setStays(null);
    setSigned((known) => ({ ...known, state: "out", how: how ?? byMode(known) }));
  }, []);

  const isOf = useCallback(
    (now: SessionAnswer) => {
      const { session, state } = latest.current;
      const same = state === "in" && session?.user === now.user && session.csrf === now.csrf;
      if (!same) entered(now);
      return same;
    },
    [entered],
  );

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    const ask = async () => {
      const reply = await askSession();
      if (reply.kind === "said") return entered(reply.value);
      if (reply.kind === "signed-out") return ended(reply.how);
      setSigned((known) => ({ ...known, state: "unreachable" }));
      timer = setTimeout(() => void ask(), RETRY);
    };
    void ask();
    return () => clearTimeout(timer);
  }, [entered, ended]);

  const leave = async () => {
    const reply = await signOut(signed.session?.csrf ?? "");
    const out = reply.kind === "said" || reply.kind === "signed-out";
    setStays(out ? null : reply);
    if (out) setSigned((known) => ({ ...known, session: null, state: "out", how: byMode(known) }));
  };
  const speech = { language: preferences.language, text: DICTIONARIES[preferences.language] };
  const { session } = signed;
  return (
    <SpeechContext.Provider value={speech}>
      <DarkContext.Provider value={preferences.dark}>
        <Header preferences={preferences} session={session} route={route} onSignOut={leave} />
        {signed.state === "unreachable" && (
          <p class="banner bad" role="alert">
            {speech.text.unreachable}
          </p>
        )}
        {stays && (
          <p class="banner bad" role="alert">
            {speech.text.stillSignedIn(stays.kind === "refused" ? stays.message : speech.text.unreachable)}
          </p>
        )}
        {session === null ? (
          <main id="content" tabIndex={-1} />
        ) : (
          <SessionContext.Provider value={{ ...session, times: signed.times, ended, isOf }} key={session.user}>
            <Content route={route} />
          </SessionContext.Provider>
        )}
        {signed.state === "out" && <SignIn again={session !== null} how={signed.how} onSession={entered} />}
      </DarkContext.Provider>
    </SpeechContext.Provider>
  );
}

const byMode = ({ session, how }: SignedIn): SignInBy => (session?.mode === "person" ? "command" : how);

/** What one person sees: whoever signs in after them begins with nothing. */
function Content({ route }: { route: Route }) {
  const [all] = useState(() => new Store(NO_ROLLOUTS, afterListEvents));
  const [selection, setSelection] = useState(EVERYTHING);
  if (route === null) return <ListPage rollouts={all} selection={selection} onSelect={setSelection} />;
  return <RolloutPage {...route} key={`${route.namespace}/${route.name}`} />;
}
