import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { SessionAnswer } from "../contract";
import type { SignInBy } from "../net/api";

export interface OpenSession extends SessionAnswer {
  /** How often somebody signed in on this page. */
  times: number;
  /** To be called where the server says that nobody is signed in any more. */
  ended(how?: SignInBy): void;
  /** Whether this is the session of the page; where it is not, the page becomes that of the other. */
  isOf(now: SessionAnswer): boolean;
}

export const SessionContext = createContext<OpenSession | null>(null);

export function useSession(): OpenSession {
  const session = useContext(SessionContext);
  if (session === null) throw new Error("nobody is signed in");
  return session;
}
