// What a client does: docs/redis-contract.md. No clock and no I/O: whoever holds it reads, listens and tells the time.

import { group } from "./bucket.js";
import { idOf, isText } from "./ids.js";
import { isGone, outranks, parsePercentage, parseRecord } from "./record.js";

const MOST_FORMER = 32;

/** One rollout, as one process or page knows it. */
export class Rollout {
  #salt;
  #maxStaleness;
  #revision;
  /** Canonical ids of those who get treatment before everybody else. */
  #staff;
  /** The percentage under the key as last read; null where it was not readable. */
  #key = null;
  /** The record that was read with the key: what the key says is this record's alone. */
  #beside = null;
  /**
   * The greatest record seen, by whatever way.
   *
   * @type {Readonly<import("../index.js").Record> | null}
   */
  #record = null;
  /** When the last read began. */
  #confirmed = -Infinity;
  /** Another object whose lesser record stands in Redis, and since when every read has found it. */
  #rival = null;
  /** Owners whose records were held before; none of them is followed again by a lesser record. */
  #former = [];

  /**
   * @param {string} key The key of the percentage in Redis: `spec.traffic.key` of the `MLRollout`.
   * @param {object} [options]
   * @param {string} [options.salt] What users are divided by: the same in every program, and the key by default.
   * @param {number} [options.maxStaleness] Milliseconds for which a read counts; ten seconds by default.
   * @param {string} [options.revision] What this program runs; while another one is rolled out, it is control for all.
   * @param {Iterable<string | number | bigint>} [options.staff] Who gets treatment before everybody else, as long as
   *   the percentage is above 0; whatever takes it to 0 takes them out, too.
   */
  constructor(key, { salt = key, maxStaleness = 10_000, revision, staff = [] } = {}) {
    for (const [name, value] of Object.entries({ key, salt, ...(revision === undefined ? {} : { revision }) })) {
      if (!isText(value) || value === "") throw new TypeError(`The ${name} must be a string that is not empty.`);
    }
    if (typeof staff === "string" || typeof staff?.[Symbol.iterator] !== "function") {
      throw new TypeError("staff must hold several ids: write [id].");
    }
    this.#staff = new Set(Array.from(staff, idOf));
    if (this.#staff.has(null)) throw new TypeError("staff holds what is nobody's id: give strings or whole numbers.");
    if (!Number.isFinite(maxStaleness) || maxStaleness <= 0) {
      throw new RangeError("maxStaleness must be a number of milliseconds above 0: otherwise no read ever counts.");
    }
    this.#salt = salt;
    this.#maxStaleness = maxStaleness;
    this.#revision = revision;
    /** What to read together, with `MGET`: the percentage and its record. */
    this.keys = Object.freeze([key, `${key}:record`]);
    /** Where changes are pushed. */
    this.channel = `${key}:changes`;
  }

  /** The greatest record seen; null before the first. */
  get record() {
    return this.#record;
  }

  /**
   * The share of users in treatment, 0 to 100, of those who are not held back, as long as the last read counts: the
   * lowest of the key, the record beside it and the greatest. Nobody, where these are of two revisions, or of another one than this program runs:
   * what one has earned is not given to another.
   */
  get percentage() {
    if (!this.#agrees) return 0;
    return Math.min(this.#key, this.#beside.percentage, this.#record.percentage);
  }

  /** Per cent of the users who stay in control at every percentage: the most that the two records ask for. */
  get holdback() {
    return Math.max(this.#beside?.holdback ?? 0, this.#record?.holdback ?? 0);
  }

  /**
   * Take what a read of both keys answered. After a read that failed, don't call it: the last one then ages. A read that
   * began before the last one counts for nothing: it hung, and what it tells of is over.
   *
   * @param {string | null} key The text under the key; null where it is absent.
   * @param {string | null} record The text of its record; likewise.
   * @param {number} at When the read began, in milliseconds of the clock that `group` is given.
   */
  read(key, record, at) {
    const found = parseRecord(record);
    const began = typeof at === "number" ? at : -Infinity;
    if (began < this.#confirmed) return;
    this.#rival = this.#rivalIn(found, began);
    const succeeded = this.#rival !== null && began - this.#rival.since >= this.#maxStaleness;
    if (found !== null && (succeeded || outranks(found, this.#record))) this.#hold(found);
    if (succeeded) this.#rival = null;
    this.#key = parsePercentage(key);
    this.#beside = found;
    this.#confirmed = began;
  }

  /**
   * Take what was pushed on the channel. What lowers counts at once.
   *
   * @param {string} message
   * @returns {boolean} Whether to read both keys again: only a read may raise, and only a read tells of a new revision.
   */
  push(message) {
    const pushed = parseRecord(message);
    if (pushed === null) return true;
    if (!outranks(pushed, this.#record)) return false;
    if (pushed.percentage > this.percentage) return true;
    this.#hold(pushed);
    this.#rival = null;
    return this.#beside !== null && this.#beside.revision !== pushed.revision;
  }

  /**
   * The user's group. Whose id is nobody's, and whatever is wrong, is in control; nothing is ever thrown.
   *
   * @param {string | number | bigint} userId
   * @param {number} now The time, in milliseconds of a clock that never jumps: `performance.now()`.
   * @returns {"control" | "treatment"}
   */
  group(userId, now) {
    const counts = typeof now === "number" && now < this.#confirmed + this.#maxStaleness;
    if (!counts) return "control";
    const percentage = this.percentage;
    // At 0 % nothing tells a stage from a key that somebody set to 0, nor from what a deleted object left.
    if (percentage > 0 && this.#staff.has(idOf(userId))) return "treatment";
    return group(this.#salt, userId, percentage, this.holdback);
  }

  /** Whether what was read and what is held are of one revision, and of the one that this program runs. */
  get #agrees() {
    if (this.#record === null || this.#beside?.revision !== this.#record.revision) return false;
    return this.#revision === undefined || this.#revision === this.#record.revision;
  }

  #hold(record) {
    const before = this.#record?.owner ?? "";
    if (before !== "" && before !== record.owner) this.#former = [...this.#former, before].slice(-MOST_FORMER);
    this.#record = record;
  }

  /**
   * Whose record stands in Redis though a greater one is held; null where nobody's may be followed. A lost Redis and
   * another object are told from a replica that lags behind by this alone: every read finds it, without a gap.
   */
  #rivalIn(found, began) {
    const held = this.#record;
    if (found === null || held === null || outranks(found, held)) return null;
    if (["", held.owner, ...this.#former].includes(found.owner) || isGone(found, held)) return null;
    const goesOn = this.#rival?.owner === found.owner && began - this.#confirmed < this.#maxStaleness;
    return goesOn ? this.#rival : { owner: found.owner, since: began };
  }
}
