import { expect, test } from "vitest";
import lock from "../package-lock.json";

const whole = ([name, found]: [string, object]) => name === "" || ("version" in found && "integrity" in found && !("resolved" in found));

test("the lock names versions and hashes and no registry", () => {
  const found = Object.entries(lock.packages);
  expect(found.length).toBeGreaterThan(10);
  expect(found.filter((one) => !whole(one))).toEqual([]);
});
