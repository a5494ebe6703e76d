import type { FigureTarget } from "../contract";
import type { Speech } from "./text";

const DASH = "–";

/** Numbers as people read them: three digits that count, and never an exponent for what is of everyday size. */
export function number(value: number | null | undefined, language: string): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return DASH;
  const size = Math.abs(value);
  if (size !== 0 && (size < 0.0001 || size >= 1e9)) return value.toExponential(1);
  const maximumSignificantDigits = size >= 1000 ? Math.ceil(Math.log10(size)) + 1 : 3;
  return new Intl.NumberFormat(language, { maximumSignificantDigits }).format(value).replace("-", "−");
}

export function count(value: number, language: string): string {
  return new Intl.NumberFormat(language, { maximumFractionDigits: 0 }).format(value);
}

/** A value with its unit. */
export function quantity(value: number | null | undefined, unit: string | null | undefined, language: string): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return DASH;
  return unit ? `${number(value, language)}\u00a0${unit}` : number(value, language);
}

const SIGNS: Readonly<Record<FigureTarget["op"], string>> = { ">=": "≥", "<=": "≤", "<": "<", ">": ">" };

export function target(wanted: FigureTarget, unit: string, { language, text }: Speech): string {
  const value = `${SIGNS[wanted.op]} ${quantity(wanted.value, wanted.relative ? "%" : unit, language)}`;
  return wanted.relative ? `${value} ${text.against}` : value;
}

/** From one percentage to another; where nobody knows from which, the other alone. */
export const move = (from: number | null, to: number): string => (from === null ? `${to} %` : `${from} → ${to} %`);

/** A length of time in its two largest units. */
export function span(seconds: number, { text }: Speech): string {
  const whole = Math.max(0, Math.floor(seconds));
  const { s, m, h, d } = text.ago;
  if (whole < 60) return `${whole} ${s}`;
  if (whole < 3600) return two(whole, 60, m, s);
  if (whole < 86_400) return two(Math.floor(whole / 60), 60, h, m);
  return two(Math.floor(whole / 3600), 24, d, h);
}

function two(smaller: number, per: number, large: string, small: string): string {
  const rest = smaller % per;
  return `${Math.floor(smaller / per)} ${large}${rest ? ` ${rest} ${small}` : ""}`;
}

const DAY = 86_400_000;

/** A moment as the reader's clock shows it; with its date where it is not of this day. */
export function moment(iso: string | number, language: string, now = Date.now()): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return DASH;
  const near = Math.abs(now - at.getTime()) < DAY / 2 || at.toDateString() === new Date(now).toDateString();
  const time = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" } as const;
  return at.toLocaleString(language, near ? time : { ...time, month: "short", day: "numeric" });
}
