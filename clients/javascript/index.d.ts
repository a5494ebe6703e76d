/** Which path a user gets: the legacy one, or the new one. */
export type Group = "control" | "treatment";

/** Where a rollout stands: docs/redis-contract.md, "The record". */
export interface Record {
  attempt: number;
  latched: boolean;
  sequence: number;
  percentage: number;
  revision: string;
  stage: string;
  owner: string;
  holder: string;
  cluster: string;
  holdback: number;
}

/**
 * A user's id: any text of at most 1024 bytes in UTF-8, or a whole number, which is the user of its digits. A number
 * must be one that is exact (`Number.isSafeInteger`).
 */
export type UserId = string | number | bigint;

/** The user's bucket, from 0 to 999,999; NaN where one of them is no text. */
export function bucket(salt: string, userId: UserId): number;

/**
 * The user's group at a percentage, where `holdback` per cent of the users stay in control at every one. Whatever is
 * wrong, it is control; nothing is ever thrown.
 */
export function group(
  salt: string,
  userId: UserId | null | undefined,
  percentage: number,
  holdback?: number,
): Group;

/** One rollout, as one process or page knows it. It has no clock and does no I/O. */
export class Rollout {
  /**
   * @param key The key of the percentage in Redis.
   * @param options.salt What users are divided by; the key by default.
   * @param options.maxStaleness Milliseconds for which a read counts; 10,000 by default.
   * @param options.revision What this program runs; while another revision is rolled out, it is control for all.
   * @param options.staff Who gets treatment before everybody else, as long as the percentage is above 0; whatever takes
   *   it to 0 takes them out, too.
   */
  constructor(
    key: string,
    options?: { salt?: string; maxStaleness?: number; revision?: string; staff?: Iterable<UserId> },
  );

  /** What to read together, with `MGET`: the percentage and its record. */
  readonly keys: readonly [string, string];

  /** Where changes are pushed. */
  readonly channel: string;

  /** The greatest record seen; null before the first. */
  get record(): Readonly<Record> | null;

  /**
   * The share of users in treatment, 0 to 100, of those who are not held back, as long as the last read counts; 0 while
   * another revision is rolled out.
   */
  get percentage(): number;

  /** Per cent of the users who stay in control at every percentage; staff are none of them. */
  get holdback(): number;

  /** Take what a read of both keys answered, null for absent; `at` is when it began, in milliseconds. */
  read(key: string | null, record: string | null, at: number): void;

  /** Take what was pushed on the channel; says whether to read both keys again. */
  push(message: string): boolean;

  /** The user's group at a time, in milliseconds of the same clock. Whatever is wrong, it is control. */
  group(userId: UserId | null | undefined, now: number): Group;
}
