import assert from "node:assert/strict";
import test from "node:test";

import { bucket, Rollout } from "../index.js";
import { Chance } from "./chance.js";
import { vectors } from "./vectors.js";

const KEY = "ml_dispatch:rollout_percentage";

function record(fields) {
  return JSON.stringify({ schema: 1, attempt: 1, latched: false, sequence: 1, percentage: 100, ...fields });
}

/** One that has read, at 1000 ms, that everybody is in treatment. */
function everybody(options) {
  const rollout = new Rollout(KEY, options);
  rollout.read("100", record(), 1_000);
  return rollout;
}

for (const { case: name, steps } of vectors("clients")) {
  test(name, () => {
    const rollout = new Rollout(KEY, { staff: ["kim"] });
    let now = -Infinity;
    const standing = () => ({
      percentage: rollout.percentage,
      holdback: rollout.holdback,
      owner: rollout.record?.owner ?? null,
      staff: rollout.group("kim", now),
    });
    const found = steps.map((step) => {
      if ("push" in step) {
        const reads_again = rollout.push(step.push);
        return { push: step.push, reads_again, ...standing() };
      }
      rollout.read(step.read.key, step.read.record, (now = step.read.at * 1_000));
      return { read: step.read, ...standing() };
    });
    assert.deepEqual(found, steps);
  });
}

test("the names that stand in Redis", () => {
  const { keys, channel } = new Rollout(KEY);
  assert.deepEqual([keys, channel], [[KEY, `${KEY}:record`], `${KEY}:changes`]);
});

test("a read counts until it is too old, and the next one counts anew", () => {
  const rollout = everybody({ maxStaleness: 500 });
  assert.deepEqual([rollout.group("42", 1_000), rollout.group("42", 1_499)], ["treatment", "treatment"]);
  assert.deepEqual([rollout.group("42", 1_500), rollout.group("42", Infinity)], ["control", "control"]);

  rollout.read("100", record(), 2_000);
  assert.equal(rollout.group("42", 2_499), "treatment");
});

test("a read counts for ten seconds where nothing is said", () => {
  const rollout = everybody();
  assert.deepEqual([rollout.group("42", 10_999), rollout.group("42", 11_000)], ["treatment", "control"]);
});

test("a read that hung and comes after a later one counts for nothing", () => {
  const rollout = everybody();
  rollout.read("0", record(), 2_000); // somebody stopped it by hand
  rollout.read("100", record(), 1_500);
  rollout.read("100", record(), undefined);
  assert.deepEqual([rollout.percentage, rollout.group("42", 2_000)], [0, "control"]);

  rollout.read("100", record(), 2_000);
  assert.equal(rollout.group("42", 2_001), "treatment");
});

test("a push makes no read younger", () => {
  const rollout = everybody({ maxStaleness: 500 });
  assert.equal(rollout.push(record({ sequence: 2 })), false);
  assert.deepEqual([rollout.group("42", 1_499), rollout.group("42", 1_500)], ["treatment", "control"]);
});

test("before the first read everybody is in control", () => {
  assert.equal(new Rollout(KEY).group("42", -1e300), "control");
});

test("a time that is none means control", () => {
  const times = [undefined, null, NaN, "1000", 1_000n, Symbol("now"), {}, new Date(1_000)];
  for (const time of times) {
    assert.equal(everybody().group("42", time), "control");

    const rollout = new Rollout(KEY);
    rollout.read("100", record(), time);
    assert.equal(rollout.group("42", 0), "control");
  }
});

test("who has no id is nobody, even where everybody is in treatment", () => {
  for (const id of [undefined, null, "", 4.2, true, {}, Symbol("42"), "\ud83d", "x".repeat(1_025)]) {
    assert.equal(everybody().group(id, 1_000), "control");
  }
});

test("users are divided by the key, or by a salt", () => {
  const treated = (rollout) => {
    rollout.read("50", record({ percentage: 50 }), 0);
    return Array.from({ length: 64 }, (_, user) => rollout.group(`${user}`, 0)).join();
  };
  assert.equal(treated(new Rollout(KEY)), treated(new Rollout("another", { salt: KEY })));
  assert.notEqual(treated(new Rollout(KEY)), treated(new Rollout(KEY, { salt: "another" })));
});

test("another revision than this program runs is control for all, and its own is not", () => {
  const rollout = new Rollout(KEY, { revision: "ranker-1", staff: ["42"] });
  rollout.read("100", record({ revision: "ranker-2" }), 0);
  assert.deepEqual([rollout.percentage, rollout.group("42", 0)], [0, "control"]);

  rollout.read("100", record({ revision: "ranker-1", attempt: 2 }), 0);
  assert.deepEqual([rollout.percentage, rollout.group("42", 0), rollout.group("43", 0)], [100, "treatment", "treatment"]);
});

test("staff are in treatment as long as the percentage is above 0", () => {
  const rollout = new Rollout(KEY, { staff: [42, "kim", 7n] });
  const treated = () => ["42", 42, "kim", "7", "lee"].map((id) => rollout.group(id, 0) === "treatment");
  const [all, none] = [[true, true, true, true, false], Array(5).fill(false)];
  assert.deepEqual(treated(), none);

  const steps = [
    ["0", record({ sequence: 0, percentage: 0 }), none],
    ["0", record({ sequence: 1, percentage: 0 }), none],
    ["1", record({ sequence: 2, percentage: 1 }), all],
    ["0", record({ sequence: 2, percentage: 1 }), none],
    [null, record({ sequence: 2, percentage: 1 }), none],
    ["1", record({ sequence: 2, percentage: 1 }), all],
    ["0", record({ sequence: 1, percentage: 0 }), none],
    ["1", record({ attempt: 0, revision: "ranker-2", percentage: 1 }), none],
    ["1", record({ sequence: 2, percentage: 1 }), all],
    ["0", record({ latched: true, sequence: 3, percentage: 0 }), none],
  ];
  for (const [key, text, expected] of steps) {
    rollout.read(key, text, 0);
    assert.deepEqual(treated(), expected, `${key} ${text}`);
  }
  rollout.read("1", record({ attempt: 2, percentage: 1 }), 0);
  assert.deepEqual(treated(), all);
  assert.equal(rollout.group("kim", 10_000), "control");
});

test("who is held back is in control at every percentage, but for staff, and a rollback takes out everybody", () => {
  const users = Array.from({ length: 1_000 }, (_, user) => `${user}`);
  const held = users.filter((user) => bucket(`${KEY}:holdback`, user) < 20 * 10_000);
  const rollout = new Rollout(KEY, { staff: [held[0]] });
  const treated = (percentage, fields) => {
    rollout.read(`${percentage}`, record({ percentage, holdback: 20, ...fields }), 0);
    return users.filter((user) => rollout.group(user, 0) === "treatment");
  };
  assert.deepEqual(treated(1).filter((user) => held.includes(user)), [held[0]]);
  assert.deepEqual(treated(100, { sequence: 2 }), users.filter((user) => user === held[0] || !held.includes(user)));
  assert.deepEqual(treated(0, { sequence: 3, latched: true }), []);
});

test("what is no text in Redis is unreadable", () => {
  for (const odd of [undefined, 100, 100n, ["100"], [record()], {}, Symbol("100"), new TextEncoder().encode("100")]) {
    const rollout = everybody();
    rollout.read(odd, record(), 1_000);
    assert.equal(rollout.group("42", 1_000), "control");

    rollout.read("100", odd, 1_000);
    assert.equal(rollout.group("42", 1_000), "control");
    assert.equal(rollout.push(odd), true);
  }
});

test("the greatest record is there to see, and not to change", () => {
  const rollout = new Rollout(KEY);
  assert.equal(rollout.record, null);

  rollout.read("100", record({ revision: "ranker-1" }), 0);
  assert.equal(rollout.record.revision, "ranker-1");
  assert.throws(() => (rollout.record.percentage = 100), TypeError);
});

test("what can't be meant is refused at the start", () => {
  for (const key of [undefined, null, "", 42, "\ud83d"]) assert.throws(() => new Rollout(key), /key/);
  for (const revision of [null, 42, "", "\ud83d"]) assert.throws(() => new Rollout(KEY, { revision }), /revision/);
  for (const staff of ["kim", [""], [4.2], [null], 42, {}]) assert.throws(() => new Rollout(KEY, { staff }), TypeError);
  for (const salt of [null, 42, "", "\ud83d"]) assert.throws(() => new Rollout(KEY, { salt }), /salt/);
  for (const maxStaleness of [0, -1, NaN, Infinity, "10", null]) {
    assert.throws(() => new Rollout(KEY, { maxStaleness }), /maxStaleness/);
  }
});

test("whatever comes in whatever order, no record is followed by a lesser, and only a read raises", () => {
  const chance = new Chance(2);
  const rank = ({ attempt, latched, sequence, percentage }) =>
    attempt * 10_000 + latched * 5_000 + sequence * 1_000 - percentage;
  for (let run = 0; run < 2_000; run++) {
    const rollout = new Rollout(KEY);
    for (let step = 0; step < 12; step++) {
      const latched = chance.below(5) === 0;
      const percentage = latched ? 0 : chance.one([0, 10, 30, 100]);
      const text = record({ attempt: chance.below(3), latched, sequence: chance.below(4), percentage });
      const before = { record: rollout.record, percentage: rollout.percentage };
      if (chance.below(2)) {
        rollout.push(text);
        assert.ok(rollout.percentage <= before.percentage);
      } else {
        const key = chance.one(["0", "10", "30", "100", null]);
        rollout.read(key, text, step);
        assert.ok(rollout.percentage <= Number(key));
      }
      assert.ok(rollout.percentage <= (rollout.record?.percentage ?? 0));
      assert.ok(before.record === null || rank(rollout.record) >= rank(before.record));
    }
  }
});
