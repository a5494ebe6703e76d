// What a client does: docs/redis-contract.md. No clock and no I/O: whoever holds it reads, listens and tells the time.

import { group, isText } from "./bucket.js";
import { outranks, parsePercentage, parseRecord } from "./record.js";

/** One rollout, as one process or page knows it. */
export class Rollout {
  #salt;
  #maxStaleness;
  /** The most that the last read allows: the key's percentage, or 0 where it or its record was not readable. */
  #allowed = 0;
  /**
   * The greatest record seen, by whatever way.
   *
   * @type {Readonly<import("../index.js").Record> | null}
   */
  #record = null;
  /** From when on the last read counts no more. */
  #until = -Infinity;

  /**
   * @param {string} key The key of the percentage in Redis: `spec.traffic.key` of the `MLRollout`.
   * @param {object} [options]
   * @param {string} [options.salt] What users are divided by: the same in every program, and the key by default.
   * @param {number} [options.maxStaleness] Milliseconds for which a read counts; ten seconds by default.
   */
  constructor(key, { salt = key, maxStaleness = 10_000 } = {}) {
    if (!isText(key) || key === "") throw new TypeError("The key must be a string that is not empty.");
    if (!isText(salt)) throw new TypeError("The salt must be a string without half surrogate pairs.");
    if (!Number.isFinite(maxStaleness) || maxStaleness <= 0) {
      throw new RangeError("maxStaleness must be a number of milliseconds above 0: otherwise no read ever counts.");
    }
    this.#salt = salt;
    this.#maxStaleness = maxStaleness;
    /** What to read together, with `MGET`: the percentage and its record. */
    this.keys = Object.freeze([key, `${key}:record`]);
    /** Where changes are pushed. */
    this.channel = `${key}:changes`;
  }

  /** The greatest record seen; null before the first. */
  get record() {
    return this.#record;
  }

  /** The share of users in treatment, 0 to 100, as long as the last read counts. */
  get percentage() {
    return Math.min(this.#allowed, this.#record?.percentage ?? 0);
  }

  /**
   * Take what a read of both keys answered. After a read that failed, don't call it: the last one then ages.
   *
   * @param {string | null} key The text under the key; null where it is absent.
   * @param {string | null} record The text of its record; likewise.
   * @param {number} at When the read began, in milliseconds of the clock that `group` is given.
   */
  read(key, record, at) {
    const percentage = parsePercentage(key);
    const found = parseRecord(record);
    this.#allowed = found === null ? 0 : (percentage ?? 0);
    this.#until = typeof at === "number" ? at + this.#maxStaleness : -Infinity;
    if (found !== null && outranks(found, this.#record)) this.#record = found;
  }

  /**
   * Take what was pushed on the channel. What lowers counts at once.
   *
   * @param {string} message
   * @returns {boolean} Whether to read both keys again, for only a read may raise.
   */
  push(message) {
    const pushed = parseRecord(message);
    if (pushed === null) return true;
    if (!outranks(pushed, this.#record)) return false;
    if (pushed.percentage > this.percentage) return true;
    this.#record = pushed;
    return false;
  }

  /**
   * The user's group. Whoever has no id, and whatever is wrong, is in control; nothing is ever thrown.
   *
   * @param {string} userId
   * @param {number} now The time, in milliseconds of a clock that never jumps: `performance.now()`.
   * @returns {"control" | "treatment"}
   */
  group(userId, now) {
    const counts = typeof now === "number" && now < this.#until;
    return counts ? group(this.#salt, userId, this.percentage) : "control";
  }
}
