// @vitest-environment node
import { expect, test } from "vitest";
// @ts-expect-error a script of its own, without types
import { types, written } from "../contract.mjs";

test("the types are those of the server's models", () => {
  expect(written(), "run `make page`").toBe(types());
});
