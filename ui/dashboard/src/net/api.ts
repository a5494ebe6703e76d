import type { SessionAnswer, VerbOutcome, VerbRequest } from "../contract";

const BASE = new URL("api/", document.baseURI);
const PATIENCE = 30_000;

/** How one signs in here: with a token of the cluster, or by the command that opened the page. */
export type SignInBy = "token" | "command";

/** What came of asking the server. */
export type Reply<T> =
  | { kind: "said"; value: T }
  /** `undone`: whether it is certain that nothing was done. A server that gave up may have been heard all the same. */
  | { kind: "refused"; status: number; message: string; undone: boolean }
  | { kind: "signed-out"; message: string; how: SignInBy }
  | { kind: "unreachable" };

/** The stream of one rollout or of all, for the session of this tag and no other. */
export function streamUrl(rollout: string | null, tag: string): string {
  const asked = new URLSearchParams({ ...(rollout === null ? {} : { rollout }), session: tag });
  return new URL(`stream?${asked}`, BASE).href;
}

export const session = (): Promise<Reply<SessionAnswer>> => ask("session");

export const signIn = (token: string): Promise<Reply<SessionAnswer>> => ask("session", { method: "POST", ...json({ token }) });

export const signOut = (csrf: string): Promise<Reply<unknown>> =>
  ask("session", { method: "DELETE", headers: { "X-CSRF-Token": csrf } });

export function act(csrf: string, namespace: string, name: string, asked: VerbRequest): Promise<Reply<VerbOutcome>> {
  const { body, headers } = json(asked);
  const path = `rollouts/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}/acts`;
  return ask(path, { method: "POST", body, headers: { ...headers, "X-CSRF-Token": csrf } });
}

/** Why a stream can't be read, for `EventSource` does not tell. Resolves to "said" where it can. */
export async function probe(url: string): Promise<Reply<null>> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), PATIENCE);
  try {
    const response = await fetch(url, { headers: { Accept: "text/event-stream" }, signal: stop.signal });
    return response.ok ? { kind: "said", value: null } : await refusal(response);
  } catch {
    return { kind: "unreachable" };
  } finally {
    clearTimeout(timer);
    stop.abort();
  }
}

async function ask<T>(path: string, options: RequestInit = {}): Promise<Reply<T>> {
  try {
    const response = await fetch(new URL(path, BASE), { ...options, signal: AbortSignal.timeout(PATIENCE) });
    if (!response.ok) return await refusal(response);
    return { kind: "said", value: response.status === 204 ? (undefined as T) : ((await response.json()) as T) };
  } catch {
    return { kind: "unreachable" };
  }
}

/** Told by an RFC 9457 problem: by its detail, or else its title. */
async function refusal(response: Response): Promise<Reply<never>> {
  const { status } = response;
  const said = (await response.json().catch(() => ({}))) as Partial<Record<"detail" | "title" | "signIn" | "asked", unknown>>;
  const message = String(said.detail ?? said.title ?? `HTTP ${status}`);
  if (status === 401) return { kind: "signed-out", message, how: said.signIn === "command" ? "command" : "token" };
  return { kind: "refused", status, message, undone: status < 500 || said.asked === false };
}

function json(body: unknown): { body: string; headers: Record<string, string> } {
  return { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
}
