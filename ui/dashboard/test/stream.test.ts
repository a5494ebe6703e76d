import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { streamUrl } from "../src/net/api";
import { SILENCE, Stream, UNSEEN } from "../src/net/stream";

class FakeSource extends EventTarget {
  static all: FakeSource[] = [];
  closed = false;
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;

  constructor(readonly url: string) {
    super();
    FakeSource.all.push(this);
  }

  close(): void {
    this.closed = true;
  }

  say(type: string, data: unknown): void {
    this.dispatchEvent(new MessageEvent(type, { data: JSON.stringify(data) }));
  }
}

const isOf = vi.fn<(session: unknown) => boolean>();
const heard = { opened: vi.fn(), cut: vi.fn(), said: vi.fn(), signedOut: vi.fn(), refused: vi.fn(), isOf };
const answers = vi.fn<(url: URL | string) => Promise<Response>>();
const well = (url: URL | string) => Promise.resolve(String(url).endsWith("/session") ? Response.json({ user: "kim" }) : new Response(""));
let stream: Stream;
const last = () => FakeSource.all.at(-1) as FakeSource;
const open = () => FakeSource.all.filter((one) => !one.closed).length;
const hide = (hidden: boolean) => {
  vi.spyOn(document, "hidden", "get").mockReturnValue(hidden);
  document.dispatchEvent(new Event("visibilitychange"));
};

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(1); // every wait is at its longest
  FakeSource.all = [];
  vi.stubGlobal("EventSource", FakeSource);
  vi.stubGlobal("fetch", answers);
  answers.mockImplementation(well);
  isOf.mockReturnValue(true);
  stream = new Stream(streamUrl("dispatch/ml-dispatch", "t"), ["detail"], heard);
});
afterEach(() => {
  stream.close();
  vi.restoreAllMocks();
  vi.clearAllMocks();
  vi.useRealTimers();
});

test("what is said is passed on as it was meant", () => {
  last().onopen?.();
  last().say("detail", { name: "<b>" });

  expect(last().url).toContain("stream?rollout=dispatch%2Fml-dispatch&session=t");
  expect(heard.opened).toHaveBeenCalledOnce();
  expect(heard.said).toHaveBeenCalledWith("detail", { name: "<b>" });
});

test("a connection that is lost is told at once, and comes back", async () => {
  last().onerror?.();
  expect(heard.cut).toHaveBeenCalledOnce();
  expect(open()).toBe(0);

  await vi.advanceTimersByTimeAsync(1000);
  expect(open()).toBe(1);
});

test("one that says nothing is taken for dead, and one that speaks is not", async () => {
  await vi.advanceTimersByTimeAsync(SILENCE - 1);
  last().say("detail", {});
  await vi.advanceTimersByTimeAsync(SILENCE - 1);
  expect(heard.cut).not.toHaveBeenCalled();

  await vi.advanceTimersByTimeAsync(1);
  expect(heard.cut).toHaveBeenCalledOnce();
});

test("a server that is away for an hour is not asked more than four times a minute, and is found again", async () => {
  answers.mockRejectedValue(new TypeError("network"));
  last().onerror?.();
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(answers.mock.calls.length).toBeLessThan(60 * 4 + 5);
  expect(FakeSource.all.length).toBe(1);

  answers.mockImplementation(well);
  await vi.advanceTimersByTimeAsync(15_000);
  expect(FakeSource.all.length).toBe(2);
});

test("a token that has expired ends it, and says how one signs in here", async () => {
  answers.mockResolvedValue(Response.json({ detail: "expired", signIn: "command" }, { status: 401 }));
  last().onerror?.();
  await vi.advanceTimersByTimeAsync(60_000);

  expect(heard.signedOut).toHaveBeenCalledExactlyOnceWith("command");
  expect([open(), answers.mock.calls.length]).toEqual([0, 1]);
});

test("a refusal is told with its reason, and tried again", async () => {
  answers.mockImplementationOnce(well).mockResolvedValueOnce(Response.json({ detail: "not yours" }, { status: 403 }));
  last().onerror?.();
  await vi.advanceTimersByTimeAsync(5000);

  expect(heard.refused).toHaveBeenCalledExactlyOnceWith("not yours");
  expect(open()).toBe(1);
});

test("the server's word that the session has ended is enough", () => {
  last().say("end", { why: "signed-out" });

  expect(heard.signedOut).toHaveBeenCalledOnce();
  expect(open()).toBe(0);
});

test("where too many are open, it waits for a minute", async () => {
  last().say("end", { why: "crowded" });
  await vi.advanceTimersByTimeAsync(59_000);
  expect([heard.refused.mock.calls, open()]).toEqual([[["crowded"]], 0]);

  await vi.advanceTimersByTimeAsync(2000);
  expect(open()).toBe(1);
});

test("a tab that nobody sees lets its connection go, and has it again when it is seen", async () => {
  hide(true);
  await vi.advanceTimersByTimeAsync(UNSEEN + 1);
  expect(open()).toBe(0);
  expect(heard.cut).toHaveBeenCalled();

  await vi.advanceTimersByTimeAsync(600_000);
  expect(open()).toBe(0);
  hide(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(open()).toBe(1);
});

test("a tab that was opened where nobody sees it lets its connection go as well", async () => {
  stream.close();
  hide(true);
  stream = new Stream(streamUrl(null, "t"), ["detail"], heard);
  await vi.advanceTimersByTimeAsync(UNSEEN + 1);
  expect(open()).toBe(0);

  hide(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(open()).toBe(1);
});

test.each([
  ["slept", async () => {
    hide(true);
    await vi.advanceTimersByTimeAsync(UNSEEN / 2);
    last().say("detail", {});
    await vi.advanceTimersByTimeAsync(UNSEEN / 2);
    hide(false);
  }],
  ["lost its connection", async () => last().onerror?.()],
])("a tab that %s takes up no session of somebody else", async (_, happens) => {
  isOf.mockReturnValue(false);
  await happens();
  await vi.advanceTimersByTimeAsync(60_000);

  expect(isOf).toHaveBeenCalledExactlyOnceWith({ user: "kim" });
  expect([FakeSource.all.length, open()]).toEqual([1, 0]);
});

test("a tab that is seen again asks who is signed in, though its connection stands", async () => {
  hide(true);
  await vi.advanceTimersByTimeAsync(UNSEEN / 2);
  expect(answers).not.toHaveBeenCalled();
  hide(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(isOf).toHaveBeenCalledExactlyOnceWith({ user: "kim" });
  expect([FakeSource.all.length, open()]).toEqual([1, 1]);

  answers.mockResolvedValue(Response.json({ signIn: "token" }, { status: 401 }));
  hide(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(heard.signedOut).toHaveBeenCalledExactlyOnceWith("token");
  expect(open()).toBe(0);

  answers.mockImplementation(well);
  hide(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(open()).toBe(1);
});

test("once closed it stays closed", async () => {
  last().onerror?.();
  stream.close();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(open()).toBe(0);
});
