import { describe, expect, test } from "vitest";
import { number, quantity, span, target } from "../src/text/format";
import { DICTIONARIES, languageOf, word } from "../src/text/text";
import { hrefOf, parse } from "../src/route";

const english = { language: "en", text: DICTIONARIES.en } as const;

describe("numbers", () => {
  test.each<[number | null, string]>([
    [null, "–"],
    [NaN, "–"],
    [Infinity, "–"],
    [0, "0"],
    [0.0123456, "0.0123"],
    [-22.14, "−22.1"],
    [1234567, "1,234,567"],
    [0.00001, "1.0e-5"],
  ])("%s is written %s", (value, written) => {
    expect(number(value, "en")).toBe(written);
  });

  test("a unit does not part from its number", () => {
    expect(quantity(97.31, "%", "en")).toBe("97.3\u00a0%");
    expect(quantity(null, "%", "en")).toBe("–");
  });

  test("a target says how it is meant; a relative one is in per cent, whatever the unit", () => {
    expect(target({ op: ">=", value: 0.7, relative: false }, "", english)).toBe("≥ 0.7");
    expect(target({ op: "<=", value: -20, relative: true }, "km", english)).toBe("≤ −20\u00a0% against control");
  });
});

test.each([
  [-5, "0 s"],
  [59.9, "59 s"],
  [60, "1 min"],
  [3661, "1 h 1 min"],
  [90_000, "1 d 1 h"],
])("%s seconds are %s", (seconds, told) => {
  expect(span(seconds, english)).toBe(told);
});

test("no word is left empty or untranslated in Korean", () => {
  const same = new Set(["q", "n"]);
  const walk = (one: unknown, other: unknown, path: string): string[] =>
    typeof one === "object" && one !== null
      ? Object.keys(one).flatMap((key) => walk(one[key as never], (other as never)[key], `${path}.${key}`))
      : typeof one === "string" && (other === "" || (other === one && !same.has(one)))
        ? [path]
        : [];

  expect(walk(DICTIONARIES.en, DICTIONARIES.ko, "")).toEqual([".traffic"]);
});

test("a word that the page does not know is shown as it came, whatever it is called", () => {
  expect(word(DICTIONARIES.en.reasons, "Paused")).toBe("Paused");
  expect(word(DICTIONARIES.ko.reasons, "Newer")).toBe("Newer");
  expect(word(DICTIONARIES.en.reasons, "constructor")).toBe("constructor");
});

test("the language is the reader's, or else English", () => {
  expect(["ko-KR", "ko", "en-GB", "de", "", undefined].map(languageOf)).toEqual(["ko", "ko", "en", "en", "en", "en"]);
});

test("an address leads where it was made for, and one of a stranger nowhere", () => {
  const odd = { namespace: "a", name: "b%2f<c>" };

  expect(parse(hrefOf(odd))).toEqual(odd);
  expect(["", "#", "#/", "#/a", "#/a/b/c", "#/%/%", "#javascript:alert(1)"].map(parse)).toEqual(Array(7).fill(null));
});
