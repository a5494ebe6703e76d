import { expect, test } from "vitest";
import { scoreText, tone } from "../src/state/score";

test.each([
  [1, "good"],
  [0.7, "good"],
  [0.6999, "fair"],
  [0.5, "fair"],
  [0.4999, "poor"],
  [0, "poor"],
] as const)("a score of %d is %s", (score, expected) => {
  expect(tone(score)).toBe(expected);
});

test.each([
  [0.6999, "0.69"],
  [0.7, "0.70"],
  [0.29, "0.29"],
  [1, "1.00"],
  [0, "0.00"],
])("%d reads as %s, never as another colour's", (score, expected) => {
  expect(scoreText(score)).toBe(expected);
});

test("what is read has the tone of what is meant, for every thousandth", () => {
  for (let thousandths = 0; thousandths <= 1000; thousandths++) {
    const score = thousandths / 1000;
    expect(tone(Number(scoreText(score)))).toBe(tone(score));
  }
});
