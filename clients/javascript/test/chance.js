/** Numbers from a seed, so that a failure happens again: a linear congruential generator. */
export class Chance {
  #state;

  constructor(seed) {
    this.#state = seed >>> 0;
  }

  /** A whole number from 0 to below `end`. */
  below(end) {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * end);
  }

  one(choices) {
    return choices[this.below(choices.length)];
  }

  /** A text of up to 20 characters of every script. */
  text() {
    const ends = [0x7f, 0x7ff, 0xd7ff, 0x10ffff];
    const characters = Array.from({ length: 1 + this.below(20) }, () => this.below(this.one(ends)));
    return String.fromCodePoint(...characters.filter((one) => one < 0xd800 || one > 0xdfff), 0x61);
  }
}
