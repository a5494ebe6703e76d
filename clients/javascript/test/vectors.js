import { readFileSync } from "node:fs";

const FOLDER = new URL("../../../docs/vectors/", import.meta.url);

/** The published vectors of a name, one object a line. */
export function vectors(name) {
  const lines = readFileSync(new URL(`${name}.jsonl`, FOLDER), "utf8").trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line));
}
