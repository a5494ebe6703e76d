import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import test from "node:test";
import vm from "node:vm";

import * as mlrollout from "../index.js";

const ROOT = new URL("../", import.meta.url);
const read = (path) => readFileSync(new URL(path, ROOT), "utf8");
const SOURCES = ["index.js", ...readdirSync(new URL("src/", ROOT)).map((name) => `src/${name}`)];

test("what is exported has types, and nothing else has", () => {
  const declared = [...read("index.d.ts").matchAll(/^export (?:function|class|const) (\w+)/gm)].map(([, name]) => name);
  assert.deepEqual(declared.sort(), Object.keys(mlrollout).sort());
});

test("the members of a rollout have types, and nothing else has", () => {
  const [, body] = /^export class Rollout \{(.*?)^\}/ms.exec(read("index.d.ts"));
  const declared = [...body.matchAll(/^ {2}(?:readonly |get )?(\w+)[(:]/gm)].map(([, name]) => name);
  const real = [...Object.getOwnPropertyNames(mlrollout.Rollout.prototype), ...Object.keys(new mlrollout.Rollout("key"))];
  assert.deepEqual(declared.sort(), real.sort());
});

test("nothing is imported from outside", () => {
  for (const source of SOURCES) {
    for (const [, from] of read(source).matchAll(/\b(?:from|import|require)\b[\s(]*"([^"]*)"/g)) assert.match(from, /^\.\.?\//);
  }
  assert.equal(JSON.parse(read("package.json")).dependencies, undefined);
});

test("the language and TextEncoder are all it needs", () => {
  const language = [...vm.runInNewContext("Object.getOwnPropertyNames(globalThis)"), "TextEncoder"];
  const program = `
    const { log } = console;
    for (const name of Object.getOwnPropertyNames(globalThis)) {
      if (!${JSON.stringify(language)}.includes(name)) delete globalThis[name];
    }
    const { Rollout } = await import(${JSON.stringify(new URL("index.js", ROOT).href)});
    const rollout = new Rollout("key");
    rollout.read("100", '{"schema":1,"attempt":1,"latched":false,"sequence":1,"percentage":100}', 0);
    log(typeof process, typeof Buffer, rollout.group("42", 0));
  `;
  const printed = execFileSync(process.execPath, ["--input-type=module", "--eval", program], { encoding: "utf8" });
  assert.equal(printed, "undefined undefined treatment\n");
});
