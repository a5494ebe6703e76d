// Which users are in treatment: docs/redis-contract.md, "Buckets".

import { idOf, isText, textOf, utf8 } from "./ids.js";
import { murmur3 } from "./murmur3.js";

const BUCKETS = 1_000_000;
const HASHES = 2 ** 32;

/**
 * The user's bucket, for good.
 *
 * @param {string} salt
 * @param {string | number | bigint} userId
 * @returns {number} From 0 to 999,999; NaN, which is below nothing, where one of them is no text.
 */
export function bucket(salt, userId) {
  const text = textOf(userId);
  if (!isText(salt) || text === null) return NaN;
  const hash = murmur3(utf8.encode(`${salt}:${text}`));
  // Exact: the product stays below 2^53, and dividing by a power of two rounds nothing.
  return Math.floor((hash * BUCKETS) / HASHES);
}

/**
 * The user's group. Whose id is nobody's, and whatever is wrong, is in control; nothing is ever thrown.
 *
 * @param {string} salt
 * @param {string | number | bigint} userId
 * @param {number} percentage A whole number from 0 to 100.
 * @param {number} [holdback] Per cent of the users who stay in control at every percentage; likewise.
 * @returns {"control" | "treatment"}
 */
export function group(salt, userId, percentage, holdback = 0) {
  if (idOf(userId) === null || !isPercentage(percentage) || !isPercentage(holdback)) return "control";
  if (!isBelow(percentage, salt, userId)) return "control";
  return holdback > 0 && isBelow(holdback, `${salt}:holdback`, userId) ? "control" : "treatment";
}

function isBelow(percentage, salt, userId) {
  return bucket(salt, userId) < percentage * (BUCKETS / 100);
}

/** Whether it is a whole number from 0 to 100. */
export function isPercentage(value) {
  return Number.isInteger(value) && value >= 0 && value <= 100;
}
