import { act } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { App } from "../src/view/app";

const leaving = vi.fn<() => Promise<Response>>();
let root: Root;
let place: HTMLElement;

/** An application that knows kim, has no orders, and whose flag server is away. */
const answer = (path: string, options?: RequestInit): Promise<Response> => {
  if (options?.method === "DELETE") return leaving();
  if (path === "api/session") return Promise.resolve(Response.json({ user_id: "kim" }));
  return Promise.resolve(path === "api/orders" ? Response.json({ orders: [] }) : new Response("", { status: 503 }));
};
const settled = () => act(() => new Promise<void>((later) => setTimeout(later, 5)));

beforeEach(async () => {
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
  vi.stubGlobal("fetch", answer);
  place = document.body.appendChild(document.createElement("div"));
  root = createRoot(place);
  act(() => root.render(<App />));
  await settled();
});
afterEach(() => {
  act(() => root.unmount());
  document.body.replaceChildren();
  vi.unstubAllGlobals();
});

const press = async (label: string) => {
  [...place.querySelectorAll("button")].find((one) => one.textContent === label)?.click();
  await settled();
};

test.each<[string, () => Promise<Response>]>([
  ["gets no answer", () => Promise.reject(new TypeError("Failed to fetch"))],
  ["is refused", () => Promise.resolve(new Response("", { status: 503 }))],
])("a sign-out that %s says that one is still signed in, and can be tried again", async (_, refuses) => {
  leaving.mockImplementation(refuses);
  await press("Sign out");
  expect(place.querySelector(".user")?.textContent).toBe("kim");
  expect(place.querySelector("[role=alert]")?.textContent).toContain("still signed in");

  leaving.mockResolvedValue(new Response(null, { status: 204 }));
  await press("Try again");
  expect(place.querySelector(".user")).toBe(null);
  expect(place.querySelector("[role=alert]")).toBe(null);
  expect(place.querySelector("form")).not.toBe(null);
});

test.each([
  ["done", new Response(null, { status: 204 })],
  ["not needed, for the session has ended", new Response("{}", { status: 401 })],
])("a sign-out that is %s asks to sign in", async (_, answered) => {
  leaving.mockResolvedValue(answered);
  await press("Sign out");

  expect(place.querySelector(".user")).toBe(null);
  expect(place.querySelector("[role=alert]")).toBe(null);
  expect(place.querySelector("form")).not.toBe(null);
});
