import { act } from "preact/test-utils";
import { beforeEach, expect, test, vi } from "vitest";
import { App } from "../src/view/app";
import { draw } from "./support/page";
import { line } from "./support/samples";

const KIM = { user: "kim", groups: [], mode: "cluster", context: null, csrf: "c", tag: "k", expiresAt: null, namespaces: null, canSignOut: true };
const leaving = vi.fn<() => Promise<Response>>();
let session: typeof KIM;

class NoSource extends EventTarget {
  static all: NoSource[] = [];
  closed = false;

  constructor(readonly url: string) {
    super();
    NoSource.all.push(this);
  }

  say(type: string, data: unknown): void {
    this.dispatchEvent(new MessageEvent(type, { data: JSON.stringify(data) }));
  }

  close(): void {
    this.closed = true;
  }
}

beforeEach(() => {
  session = KIM;
  NoSource.all = [];
  vi.stubGlobal("EventSource", NoSource);
  vi.stubGlobal("fetch", (_: unknown, options?: RequestInit) =>
    options?.method === "DELETE" ? leaving() : Promise.resolve(Response.json(session)),
  );
});

const settled = () => act(() => new Promise<void>((later) => setTimeout(later)));

async function opened(): Promise<HTMLElement> {
  const place = draw(<App />);
  await settled();
  return place;
}

async function signOut(): Promise<HTMLElement> {
  const place = await opened();
  [...place.querySelectorAll("button")].find((one) => one.textContent === "Sign out")?.click();
  await settled();
  return place;
}

/** The tab was not seen for a moment. */
async function seenAgain(): Promise<void> {
  document.dispatchEvent(new Event("visibilitychange"));
  await settled();
  await settled();
}

async function shows(name: string): Promise<void> {
  NoSource.all.at(-1)?.say("rollouts", { asOf: "2026-11-26T10:00:00Z", rollouts: [line({ name })] });
  await act(() => new Promise<void>((later) => requestAnimationFrame(() => later())));
}

test("who signed in meanwhile in another tab sees nothing of whoever was here before, and acts by a session of their own", async () => {
  const place = await opened();
  await shows("kims-rollout");
  expect(place.textContent).toContain("kims-rollout");

  session = { ...KIM, user: "lee", csrf: "l", tag: "l" };
  await seenAgain();
  expect(place.querySelector(".user")?.textContent).toBe("lee");
  expect(place.textContent).not.toContain("kims-rollout");
  expect(NoSource.all.map((one) => one.closed)).toEqual([true, false]);
  expect(NoSource.all.map((one) => one.url.split("?")[1])).toEqual(["session=k", "session=l"]);
});

test("the same person's new session takes over, and what was shown stays", async () => {
  const place = await opened();
  await shows("kims-rollout");

  session = { ...KIM, csrf: "new" };
  await seenAgain();
  expect(place.textContent).toContain("kims-rollout");
  expect(NoSource.all.map((one) => one.closed)).toEqual([true, false]);

  await seenAgain();
  expect(NoSource.all.length).toBe(2);
});

test("where one can't sign out here, there is no button for it", async () => {
  session = { ...KIM, canSignOut: false };
  const place = await opened();

  expect(place.querySelector(".user")?.textContent).toBe("kim");
  expect(place.textContent).not.toContain("Sign out");
});

test.each<[string, () => Promise<Response>, string]>([
  ["is refused", () => Promise.resolve(Response.json({ detail: "Load the page anew." }, { status: 403 })), "Load the page anew."],
  ["gets no answer", () => Promise.reject(new TypeError("network")), "can't be reached"],
])("a sign-out that %s says that one is still signed in, and shows what was shown", async (_, answer, told) => {
  leaving.mockImplementation(answer);
  const place = await signOut();

  expect(place.querySelector("[role=alert]")?.textContent).toContain("still signed in");
  expect(place.querySelector("[role=alert]")?.textContent).toContain(told);
  expect(place.querySelector(".user")?.textContent).toBe("kim");
  expect(place.querySelector("dialog")).toBe(null);
});

test.each([
  ["done", new Response(null, { status: 204 })],
  ["not needed, for the session has ended", Response.json({ signIn: "token" }, { status: 401 })],
])("a sign-out that is %s asks to sign in", async (_, answer) => {
  leaving.mockResolvedValue(answer);
  const place = await signOut();

  expect(place.querySelector("[role=alert]:not([hidden])")).toBe(null);
  expect(place.querySelector(".user")).toBe(null);
  expect(place.querySelector("dialog")).not.toBe(null);
});
