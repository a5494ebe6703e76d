import { afterEach, expect, test, vi } from "vitest";
import { anything } from "../src/net/answers";
import { call, DEADLINE, session } from "../src/net/call";

const answers = (body: BodyInit | null, status = 200) => vi.stubGlobal("fetch", async () => new Response(body, { status }));

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

test("what can be read is said", async () => {
  answers('{"a": 1}');
  expect(await call("GET", "x", (body) => body)).toEqual({ kind: "said", value: { a: 1 } });
});

test("no content is an answer where nothing is needed", async () => {
  answers(null, 204);
  expect(await call("DELETE", "x", anything)).toEqual({ kind: "said", value: true });
});

test.each([
  ["a page of HTML", "<!doctype html>"],
  ["nothing", ""],
  ["half a document", '{"a": '],
])("%s is nonsense", async (_, body) => {
  answers(body);
  expect(await call("GET", "x", (read) => read)).toMatchObject({ kind: "failed", why: "nonsense" });
});

test("a refusal says why, or nothing", async () => {
  answers('{"error": {"code": "taken", "message": "V-1 is taken."}}', 409);
  expect(await call("POST", "x", anything)).toEqual({ kind: "failed", why: "refused", status: 409, message: "V-1 is taken." });
  answers("<html>", 502);
  expect(await call("POST", "x", anything)).toEqual({ kind: "failed", why: "refused", status: 502, message: "" });
});

test("a server that is away is unreachable", async () => {
  vi.stubGlobal("fetch", async () => Promise.reject(new TypeError("Failed to fetch")));
  expect(await call("GET", "x", anything)).toMatchObject({ kind: "failed", why: "unreachable" });
});

test.each(["never answers", "never ends its answer"])("a server that %s is left at the deadline", async (how) => {
  let patience = 0;
  const stop = new AbortController();
  vi.spyOn(AbortSignal, "timeout").mockImplementation((milliseconds) => {
    patience = milliseconds;
    return stop.signal;
  });
  const hung = () => new Promise<never>((_, reject) => {
    if (stop.signal.aborted) reject(stop.signal.reason);
    stop.signal.addEventListener("abort", () => reject(stop.signal.reason));
  });
  const headed = { ok: true, status: 200, json: hung };
  vi.stubGlobal("fetch", how === "never answers" ? hung : async () => headed);

  const reply = call("GET", "x", anything);
  stop.abort(new DOMException("late", "TimeoutError"));
  expect(await reply).toMatchObject({ kind: "failed", why: "timeout" });
  expect(patience).toBe(DEADLINE);
});

test("an unknown session is told once and for all", async () => {
  const ended = vi.fn();
  session.addEventListener("ended", ended);
  answers("{}", 401);
  await call("GET", "x", anything);
  expect(ended).toHaveBeenCalledOnce();
});
