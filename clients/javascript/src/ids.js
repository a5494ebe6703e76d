// What is a user's id, and what is nobody's: docs/redis-contract.md, "Buckets".

const LONGEST = 1024; // bytes in UTF-8
const LONE_SURROGATE = /\p{Surrogate}/u;

export const utf8 = new TextEncoder();

/**
 * The canonical text of a user's id.
 *
 * @param {unknown} userId
 * @returns {string | null} Null where it is nobody's: of another type, empty, too long, or no text.
 */
export function idOf(userId) {
  const text = textOf(userId);
  return text && utf8.encode(text).length <= LONGEST ? text : null;
}

/** A text as it is, and a whole number that is exact as its digits; null for everything else. */
export function textOf(value) {
  if (typeof value === "bigint" || Number.isSafeInteger(value)) return String(value);
  return isText(value) ? value : null;
}

/** Whether it is a string that UTF-8 can hold: half a surrogate pair is no text. */
export function isText(value) {
  return typeof value === "string" && !LONE_SURROGATE.test(value);
}
