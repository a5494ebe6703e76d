// What stands in Redis: docs/redis-contract.md, "Keys", "The record" and "The order".

import { isPercentage } from "./bucket.js";

const SCHEMA = 1;
const LONGEST = 16 * 1024; // characters
const LONGEST_CLUSTER = 64;
/** An attempt's number divided by it is the second in which its object was created; 0 where that is not known. */
const CREATION = 2 ** 16;

/**
 * The percentage in the text of `<key>`.
 *
 * @param {unknown} text
 * @returns {number | null} Null where it is absent or unreadable.
 */
export function parsePercentage(text) {
  if (typeof text !== "string" || !/^[0-9]{1,3}$/.test(text)) return null;
  const percentage = Number(text);
  return percentage <= 100 ? percentage : null;
}

/**
 * The record in the text of `<key>:record` or of a push.
 *
 * @param {unknown} text
 * @returns {Readonly<import("../index.js").Record> | null} Null where it is absent or unreadable.
 */
export function parseRecord(text) {
  const fields = parseJson(text);
  if (fields?.schema !== SCHEMA) return null;
  const { attempt, latched, sequence, percentage, revision = "", stage = "", owner = "", holder = "" } = fields;
  const readable =
    isCount(attempt, Number.MAX_SAFE_INTEGER) &&
    typeof latched === "boolean" &&
    isCount(sequence, Number.MAX_SAFE_INTEGER) &&
    isCount(percentage, latched ? 0 : 100) &&
    [revision, stage, owner, holder].every((value) => typeof value === "string");
  if (!readable) return null;
  const whole = percentage + 0; // JSON knows a -0, and a share of users does not
  // One that makes no sense is none, as for every reader that does not know the field.
  const holdback = isPercentage(fields.holdback) ? fields.holdback + 0 : 0;
  const cluster = typeof fields.cluster === "string" ? [...fields.cluster].slice(0, LONGEST_CLUSTER).join("") : "";
  const told = { revision, stage, owner, holder, cluster };
  return Object.freeze({ attempt, latched, sequence, percentage: whole, ...told, holdback });
}

/** Whether one record is greater than another; any is greater than none. */
export function outranks(one, other) {
  if (other === null) return true;
  if (one.attempt !== other.attempt) return one.attempt > other.attempt;
  if (one.latched !== other.latched) return one.latched;
  if (one.sequence !== other.sequence) return one.sequence > other.sequence;
  return one.percentage < other.percentage;
}

/** Whether the object of a record can't be there any more, since the held one's was made later under its name. */
export function isGone(found, held) {
  const [created, since] = [found, held].map(({ attempt }) => Math.floor(attempt / CREATION));
  const elsewhere = found.cluster !== "" && held.cluster !== "" && found.cluster !== held.cluster;
  return created > 0 && created < since && found.holder === held.holder && !elsewhere;
}

function parseJson(text) {
  if (typeof text !== "string" || isTooLong(text)) return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Whether a text has more characters than a record may; one beyond 16 bits is one, of two units. */
function isTooLong(text) {
  return text.length > LONGEST && (text.length > 2 * LONGEST || [...text].length > LONGEST);
}

function isCount(value, most) {
  return Number.isInteger(value) && value >= 0 && value <= most;
}
