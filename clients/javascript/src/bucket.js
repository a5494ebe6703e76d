// Which users are in treatment: docs/redis-contract.md, "Buckets".

import { murmur3 } from "./murmur3.js";

const BUCKETS = 1_000_000;
const HASHES = 2 ** 32;
const LONE_SURROGATE = /\p{Surrogate}/u;

const utf8 = new TextEncoder();

/**
 * The user's bucket, for good.
 *
 * @param {string} salt
 * @param {string} userId
 * @returns {number} From 0 to 999,999; NaN, which is below nothing, where salt or id is no text.
 */
export function bucket(salt, userId) {
  if (!isText(salt) || !isText(userId)) return NaN;
  const hash = murmur3(utf8.encode(`${salt}:${userId}`));
  // Exact: the product stays below 2^53, and dividing by a power of two rounds nothing.
  return Math.floor((hash * BUCKETS) / HASHES);
}

/**
 * The user's group. Whoever has no id, and whatever is wrong, is in control; nothing is ever thrown.
 *
 * @param {string} salt
 * @param {string} userId
 * @param {number} percentage A whole number from 0 to 100.
 * @returns {"control" | "treatment"}
 */
export function group(salt, userId, percentage) {
  const counts = userId !== "" && isPercentage(percentage);
  return counts && bucket(salt, userId) < percentage * (BUCKETS / 100) ? "treatment" : "control";
}

/** Whether it is a string that UTF-8 can hold: half a surrogate pair is no text. */
export function isText(value) {
  return typeof value === "string" && !LONE_SURROGATE.test(value);
}

function isPercentage(value) {
  return Number.isInteger(value) && value >= 0 && value <= 100;
}
