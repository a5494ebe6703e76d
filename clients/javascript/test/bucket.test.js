import assert from "node:assert/strict";
import test from "node:test";

import { bucket, group } from "../index.js";
import { murmur3 } from "../src/murmur3.js";
import { Chance } from "./chance.js";
import { vectors } from "./vectors.js";

const NO_TEXT = [
  ["undefined", undefined],
  ["null", null],
  ["a broken number", 42.5],
  ["a number that is not exact", 2 ** 53],
  ["NaN", NaN],
  ["true", true],
  ["a symbol", Symbol("42")],
  ["an array", ["42"]],
  ["an object", { toString: () => assert.fail("nothing of it is called") }],
  ["a string object", new String("42")],
  ["bytes", new Uint8Array([52, 50])],
  ["half a surrogate pair", "42\ud83d"],
  ["the other half", "\udc4d42"],
  ["both halves the wrong way round", "\udc4d\ud83d"],
];
const NO_PERCENTAGE = [undefined, null, NaN, Infinity, -1, 101, 30.5, "30", 30n, true, [30], {}];

test("every published row", () => {
  const rows = vectors("buckets");
  assert.ok(rows.length >= 10_000);
  for (const row of rows) {
    const bytes = new TextEncoder().encode(`${row.salt}:${row.user_id}`);
    const found = {
      salt: row.salt,
      user_id: row.user_id,
      hash: murmur3(bytes),
      bucket: bucket(row.salt, row.user_id),
      percentage: row.percentage,
      group: group(row.salt, row.user_id, row.percentage),
    };
    assert.deepEqual(found, row);
  }
});

test("every published row with a holdback", () => {
  const rows = vectors("holdback");
  assert.ok(rows.length >= 2_000);
  for (const row of rows) {
    const found = {
      salt: row.salt,
      user_id: row.user_id,
      bucket: bucket(row.salt, row.user_id),
      holdback_bucket: bucket(`${row.salt}:holdback`, row.user_id),
      percentage: row.percentage,
      holdback: row.holdback,
      group: group(row.salt, row.user_id, row.percentage, row.holdback),
    };
    assert.deepEqual(found, row);
  }
});

test("every published id", () => {
  const rows = vectors("ids");
  assert.ok(rows.length >= 50);
  for (const { given, text } of rows) {
    assert.equal(group("salt", given, 100), text === null ? "control" : "treatment", JSON.stringify(given).slice(0, 60));
    if (text !== null) assert.equal(bucket("salt", given), bucket("salt", text));
  }
});

test("a big integer is the user of its digits", () => {
  assert.equal(bucket("salt", 42n), bucket("salt", "42"));
  assert.equal(bucket("salt", 2n ** 64n), bucket("salt", "18446744073709551616"));
  assert.deepEqual([group("salt", 10n ** 1_023n, 100), group("salt", 10n ** 1_024n, 100)], ["treatment", "control"]);
});

test("bytes that begin in the middle of a buffer hash as those alone", () => {
  const long = new TextEncoder().encode("before:42:after");
  assert.equal(murmur3(long.subarray(7, 9)), murmur3(new TextEncoder().encode("42")));
});

for (const [what, value] of NO_TEXT) {
  test(`${what} is nobody, and no salt either`, () => {
    assert.deepEqual([group("salt", value, 100), group(value, "42", 100)], ["control", "control"]);
    assert.deepEqual([bucket("salt", value), bucket(value, "42")], [NaN, NaN]);
  });
}

test("who has no id is in control, and no salt is a salt", () => {
  assert.deepEqual([group("salt", "", 100), group("", "42", 100)], ["control", "treatment"]);
});

test("whatever is no percentage means control", () => {
  for (const percentage of NO_PERCENTAGE) assert.equal(group("salt", "42", percentage), "control");
  const holdbacks = NO_PERCENTAGE.filter((one) => one !== undefined);
  for (const holdback of holdbacks) assert.equal(group("salt", "42", 100, holdback), "control");
});

test("treatment at less is within treatment at more", () => {
  const chance = new Chance(1);
  for (let user = 0; user < 1_000; user++) {
    const [salt, id] = [chance.text(), chance.text()];
    const groups = Array.from({ length: 101 }, (_, percentage) => group(salt, id, percentage));
    const moves = groups.filter((one, percentage) => one !== groups[percentage - 1]);
    assert.deepEqual(moves, ["control", "treatment"], `${salt}:${id}`);
    assert.deepEqual([groups[0], groups[100]], ["control", "treatment"]);
  }
});

test("with a holdback, too, and nobody who is held back is ever in treatment", () => {
  const chance = new Chance(3);
  for (let user = 0; user < 1_000; user++) {
    const [salt, id, holdback] = [chance.text(), chance.text(), chance.below(51)];
    const groups = Array.from({ length: 101 }, (_, percentage) => group(salt, id, percentage, holdback));
    const moves = groups.filter((one, percentage) => one !== groups[percentage - 1]);
    const held = bucket(`${salt}:holdback`, id) < holdback * 10_000;
    assert.deepEqual(moves, held ? ["control"] : ["control", "treatment"], `${salt}:${id}`);
  }
});

test("the share of users in treatment is the percentage", () => {
  const users = 50_000;
  for (const percentage of [1, 10, 30, 50, 99]) {
    let treated = 0;
    for (let user = 0; user < users; user++) treated += group("salt", `${user}`, percentage) === "treatment";
    const share = percentage / 100;
    const fiveSigma = 5 * Math.sqrt(users * share * (1 - share));
    assert.ok(Math.abs(treated - users * share) < fiveSigma, `${treated} of ${users} at ${percentage} %`);
  }
});
