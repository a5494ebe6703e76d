import type { EndEvent, SessionAnswer } from "../contract";
import { probe, session, type SignInBy } from "./api";

/** Milliseconds without a word after which a connection is taken for dead: the server speaks every five seconds. */
export const SILENCE = 12_000;
/** Milliseconds that a tab which nobody sees keeps its connection: browsers allow six for all tabs together. */
export const UNSEEN = 20_000;
const LONGEST_WAIT = 15_000;
const CROWDED_WAIT = 60_000;

export interface Heard {
  opened(): void;
  cut(): void;
  said(type: string, data: unknown): void;
  /** Nobody is signed in any more; the stream has ended, and another is needed once somebody is. */
  signedOut(how?: SignInBy): void;
  /** The server says why it can't be read now; it is tried again. */
  refused(why: string): void;
  /** Who is signed in now. `false` where the page shows what another session was told: then another stream is to begin. */
  isOf(session: SessionAnswer): boolean;
}

/** A stream of the server's events that comes back whenever it is cut. */
export class Stream {
  private source: EventSource | null = null;
  private watch: ReturnType<typeof setTimeout> | undefined;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private unseen: ReturnType<typeof setTimeout> | undefined;
  private failures = 0;
  private closed = false;
  private asleep = false;
  private readonly look = () => {
    this.seen();
    // Meanwhile somebody else may have signed in, in another tab.
    if (!document.hidden && this.source !== null) void this.check();
  };

  constructor(
    private readonly url: string,
    private readonly types: readonly string[],
    private readonly heard: Heard,
  ) {
    document.addEventListener("visibilitychange", this.look);
    this.open();
    this.seen(); // it may have been opened in the background, where nothing changes
  }

  close(): void {
    this.closed = true;
    document.removeEventListener("visibilitychange", this.look);
    clearTimeout(this.unseen);
    this.drop();
  }

  private open(): void {
    const source = new EventSource(this.url);
    this.source = source;
    this.listen();
    source.onopen = () => {
      this.listen();
      this.heard.opened();
    };
    source.onerror = () => this.lost();
    source.addEventListener("end", (event) => this.ended(JSON.parse((event as MessageEvent<string>).data) as EndEvent));
    for (const type of this.types) {
      source.addEventListener(type, (event) => {
        this.failures = 0;
        this.listen();
        this.heard.said(type, JSON.parse((event as MessageEvent<string>).data));
      });
    }
  }

  private ended({ why }: EndEvent): void {
    if (why === "signed-out") {
      this.signedOut();
    } else {
      this.heard.refused(why);
      this.lost(CROWDED_WAIT);
    }
  }

  /** Something was heard, or is to be from now on. */
  private listen(): void {
    clearTimeout(this.watch);
    this.watch = setTimeout(() => this.lost(), SILENCE);
  }

  private lost(wait = Math.min(1000 * 2 ** this.failures++, LONGEST_WAIT)): void {
    this.drop();
    this.heard.cut();
    // Not all pages at once when a server comes back.
    this.retry = setTimeout(() => void this.again(), wait * (0.5 + Math.random() / 2));
  }

  private async again(): Promise<void> {
    clearTimeout(this.retry);
    const who = await session();
    if (this.closed || this.asleep || this.source !== null) return;
    if (who.kind === "said" && !this.heard.isOf(who.value)) return;
    const reply = who.kind === "said" ? await probe(this.url) : who;
    if (this.closed || this.asleep || this.source !== null) return;
    if (reply.kind === "said") return this.open();
    if (reply.kind === "signed-out") return this.heard.signedOut(reply.how);
    if (reply.kind === "refused") this.heard.refused(reply.message);
    this.lost();
  }

  /** Whether an open stream is still that of whoever is signed in. */
  private async check(): Promise<void> {
    const who = await session();
    if (this.closed || this.source === null) return;
    if (who.kind === "said") this.heard.isOf(who.value);
    if (who.kind === "signed-out") this.signedOut(who.how);
  }

  private signedOut(how?: SignInBy): void {
    this.drop();
    this.heard.cut();
    this.heard.signedOut(how);
  }

  private drop(): void {
    this.source?.close();
    this.source = null;
    clearTimeout(this.watch);
    clearTimeout(this.retry);
  }

  private seen(): void {
    clearTimeout(this.unseen);
    if (document.hidden) {
      this.unseen = setTimeout(() => {
        this.asleep = true;
        this.drop();
        this.heard.cut();
      }, UNSEEN);
    } else if (this.source === null) {
      this.asleep = false;
      this.failures = 0;
      void this.again();
    }
  }
}
