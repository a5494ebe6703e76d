import { act } from "preact/test-utils";
import { beforeEach, expect, test, vi } from "vitest";
import { App } from "../src/view/app";
import { draw } from "./support/page";

const SESSION = { user: "kim", groups: [], mode: "cluster", context: null, csrf: "c", expiresAt: null, namespaces: null };
const leaving = vi.fn<() => Promise<Response>>();

class NoSource extends EventTarget {
  close(): void {}
}

beforeEach(() => {
  vi.stubGlobal("EventSource", NoSource);
  vi.stubGlobal("fetch", (_: unknown, options?: RequestInit) =>
    options?.method === "DELETE" ? leaving() : Promise.resolve(Response.json(SESSION)),
  );
});

const settled = () => act(() => new Promise<void>((later) => setTimeout(later)));

async function signOut(): Promise<HTMLElement> {
  const place = draw(<App />);
  await settled();
  [...place.querySelectorAll("button")].find((one) => one.textContent === "Sign out")?.click();
  await settled();
  return place;
}

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
