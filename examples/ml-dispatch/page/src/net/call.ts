/** One call of the application: it always ends, and never throws. */

/** Milliseconds that any call may take, its body included. */
export const DEADLINE = 2000;

export type Why = "timeout" | "unreachable" | "refused" | "nonsense";
export type Failure = { kind: "failed"; why: Why; status: number | null; message: string };
export type Reply<T> = { kind: "said"; value: T } | Failure;

/** Hears `ended` when the application no longer knows who is signed in. */
export const session = new EventTarget();

export async function call<T>(method: string, path: string, read: (body: unknown) => T | null, body?: unknown): Promise<Reply<T>> {
  const signal = AbortSignal.timeout(DEADLINE);
  try {
    const response = await fetch(path, { method, signal, ...(body === undefined ? {} : json(body)) });
    if (!response.ok) return refused(response.status, await response.json().catch(() => null));
    const value = read(response.status === 204 ? null : await response.json());
    return value === null ? failure("nonsense") : { kind: "said", value };
  } catch (error) {
    if (signal.aborted) return failure("timeout");
    return failure(error instanceof SyntaxError ? "nonsense" : "unreachable");
  }
}

/** What is said about a body is said in the language of the page, and not of the browser. */
const json = (body: unknown): RequestInit => ({
  body: JSON.stringify(body),
  headers: { "Content-Type": "application/json", "Accept-Language": document.documentElement.lang },
});

const failure = (why: Why, status: number | null = null, message = ""): Failure => ({ kind: "failed", why, status, message });

function refused(status: number, said: unknown): Failure {
  if (status === 401) session.dispatchEvent(new Event("ended"));
  const message = (said as { error?: { message?: unknown } } | null)?.error?.message;
  return failure("refused", status, typeof message === "string" ? message.slice(0, 300) : "");
}
