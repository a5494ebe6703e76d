import type { Order } from "../state/model";
import type { Language } from "../text/speech";

const LOCALES: Record<Language, string> = { en: "en-GB", ko: "ko-KR" };

export const number = (value: number, digits: number, language: Language): string =>
  value.toLocaleString(LOCALES[language], { minimumFractionDigits: digits, maximumFractionDigits: digits });

/** `08:00–10:30`, by the clock of whoever looks. */
export function windowText({ from, to }: Pick<Order, "from" | "to">, language: Language): string {
  const clock = new Intl.DateTimeFormat(LOCALES[language], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  return `${clock.format(from)}–${clock.format(to)}`;
}
