import type { AliveEvent } from "../contract";

/** Whether what is shown is how things are now. */
export interface Freshness {
  connected: boolean;
  /** Whether everything was told anew since the connection stands: before that, what is shown is older. */
  told: boolean;
  source: "live" | "stale";
  why: string;
  /** When the cluster was last heard of, in ISO 8601. */
  asOf: string | null;
  /** Milliseconds that the server's clock is ahead of this one's: ages are told by the server's. */
  ahead: number;
}

export const UNHEARD: Freshness = { connected: false, told: false, source: "live", why: "", asOf: null, ahead: 0 };

export function isLive(freshness: Freshness): boolean {
  return freshness.connected && freshness.told && freshness.source === "live";
}

export const opened = (known: Freshness): Freshness => ({ ...known, connected: true, told: false });
export const cut = (known: Freshness): Freshness => ({ ...known, connected: false, told: false });
/** Everything was told anew. */
export const told = (known: Freshness): Freshness => ({ ...known, connected: true, told: true });

export function alive(known: Freshness, said: AliveEvent, now: number): Freshness {
  const asOf = said.asOf ?? known.asOf;
  // Not from when the cluster was last heard: that is some seconds past where nothing happens, and hours where it is away.
  const ahead = Date.parse(said.now) - now;
  return { ...known, connected: true, source: said.source, why: said.why ?? "", asOf, ahead };
}
