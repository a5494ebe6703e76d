import { describe, expect, test } from "vitest";
import * as answers from "../src/net/answers";
import { DISPATCH, ORDER, card, recommended } from "./samples";

const read = answers.recommendation(7);
const breakdown = (more: object) => card(1, { breakdown: { ...card(1).breakdown, ...more } });

describe("a recommendation", () => {
  test("shows both costs so that more is better", () => {
    const found = read(recommended(card(1), card(2), card(3)));
    expect(found?.model).toBe("ranker-1");
    expect(found?.cards.map(({ rank }) => rank)).toEqual([1, 2, 3]);
    expect(found?.cards[0]?.breakdown).toEqual({ distance: 0.75, rotation: 0.5, timeWindow: 0.9, preference: 0.6, voltage: true });
  });

  test("may be of nobody", () => {
    expect(read(recommended())?.cards).toEqual([]);
  });

  test.each([
    ["nothing", null],
    ["text", "<!doctype html>"],
    ["no results", { model: "ranker-1" }],
    ["results that are none", { model: "ranker-1", results: {} }],
    ["another order's", { model: "ranker-1", results: [{ order_id: 8, top_3: [card(1)] }] }],
    ["an order's id as text", { model: "ranker-1", results: [{ order_id: "7", top_3: [card(1)] }] }],
    ["no list", { model: "ranker-1", results: [{ order_id: 7, top_3: null }] }],
    ["no model", { results: [{ order_id: 7, top_3: [card(1)] }] }],
    ["four", recommended(card(1), card(2), card(3), card(4))],
    ["ranks out of order", recommended(card(2), card(1))],
    ["ranks from 0", recommended(card(0))],
    ["one vehicle twice", recommended(card(1), card(2, { vehicle_id: 11 }))],
    ["a score above 1", recommended(card(1, { score: 1.2 }))],
    ["a score below 0", recommended(card(1, { score: -0.1 }))],
    ["a score that is text", recommended(card(1, { score: "0.9" }))],
    ["no score", recommended(card(1, { score: null }))],
    ["a score that is no number", recommended(card(1, { score: Number.NaN }))],
    ["no reason", recommended(card(1, { reason: "" }))],
    ["no vehicle", recommended(card(1, { vehicle_id: null }))],
    ["no breakdown", recommended(card(1, { breakdown: null }))],
    ["a share above 1", recommended(breakdown({ distance: 7 }))],
    ["half a breakdown", recommended(breakdown({ preference: undefined }))],
    ["a voltage that is a number", recommended(breakdown({ voltage: 380 }))],
    ["a hole", recommended(card(1), null)],
  ])("that is %s is nonsense", (_, given) => {
    expect(read(given)).toBeNull();
  });

  test("never shows a text without end", () => {
    expect(read(recommended(card(1, { reason: "x".repeat(1e6) })))?.cards[0]?.reason.length).toBe(500);
  });
});

describe("an order", () => {
  test("is read whole", () => {
    const [found] = answers.orders({ orders: [{ ...ORDER, dispatch: DISPATCH, status: "assigned" }] }) ?? [];
    expect(found).toMatchObject({ id: 7, loadKg: 800, voltage: "380V", lift: true, dispatch: { vehicleCode: "V-012", rating: null } });
  });

  test("may need no voltage", () => {
    expect(answers.orders({ orders: [{ ...ORDER, needs_voltage: null }] })?.[0]?.voltage).toBeNull();
  });

  test.each([
    ["a status nobody knows", { status: "lost" }],
    ["a window that is no time", { window: { from: "soon", to: "later" } }],
    ["no place", { pickup: { x: 1 } }],
  ])("with %s makes no half list", (_, wrong) => {
    expect(answers.orders({ orders: [ORDER, { ...ORDER, ...wrong }] })).toBeNull();
  });
});

test("a dispatch is nobody's without a vehicle", () => {
  expect(answers.dispatch({ ...DISPATCH, vehicle_code: undefined })).toBeNull();
  expect(answers.dispatch({ ...DISPATCH, assigned_by: "chance" })).toBeNull();
});

test("the configuration may show the server something, or nothing", () => {
  const told = { ofrep: "http://localhost:8090", flag: "ml-dispatch", user_id: "kim", revision: "ranker-1" };
  expect(answers.config(told)?.headers).toEqual({});
  expect(answers.config({ ...told, headers: { Authorization: "Bearer x" } })?.headers).toEqual({ Authorization: "Bearer x" });
  expect(answers.config({ ...told, user_id: null })).toBeNull();
});
