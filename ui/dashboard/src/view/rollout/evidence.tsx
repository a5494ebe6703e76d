import type { GuardrailLook } from "../../contract";

const WIDE = 100;
const HIGH = 12;

interface IntervalProps {
  interval: [number, number];
  estimate: number | null;
  limit: number | null;
}

/** The interval as a bar, the estimate as a dot on it, the limit as a line. The numbers stand beside it. */
export function IntervalBar({ interval: [low, high], estimate, limit }: IntervalProps) {
  const known = [low, high, estimate, limit].filter((one): one is number => one !== null && Number.isFinite(one));
  const least = Math.min(...known);
  const room = (Math.max(...known) - least || 1) * 1.1;
  const at = (value: number) => ((value - least) / room) * WIDE + WIDE * 0.045;
  return (
    <svg class="interval" viewBox={`0 0 ${WIDE} ${HIGH}`} preserveAspectRatio="none" aria-hidden="true">
      <rect class="span" x={at(low)} width={Math.max(1, at(high) - at(low))} y={4} height={4} />
      {estimate !== null && <rect class="estimate" x={at(estimate) - 0.8} width={1.6} y={2} height={8} />}
      {limit !== null && <rect class="limit" x={at(limit) - 0.4} width={0.8} y={0} height={HIGH} />}
    </svg>
  );
}

/** How far an e-value is on the way to its bound: by its logarithm, for evidence multiplies. */
export function progress(value: number, bound: number): number {
  if (value <= 1 || bound <= 1) return 0;
  return Math.min(1, Math.log(value) / Math.log(bound));
}

export function EMeter({ value, bound }: { value: number; bound: number }) {
  return (
    <span class="meter" aria-hidden="true">
      <span style={{ width: `${progress(value, bound) * 100}%` }} />
    </span>
  );
}

/** The last looks as a line, with a mark at each breach. */
export function Looks({ looks, limit }: { looks: readonly GuardrailLook[]; limit: number | null }) {
  const values = looks.map((one) => one.value).filter((one): one is number => one !== null && Number.isFinite(one));
  const all = limit === null ? values : [...values, limit];
  if (values.length < 2) return null;
  const least = Math.min(...all);
  const room = Math.max(...all) - least || 1;
  const y = (value: number) => HIGH - 1 - ((value - least) / room) * (HIGH - 2);
  const x = (index: number) => ((index + 0.5) / looks.length) * WIDE;
  return (
    <svg class="looks" viewBox={`0 0 ${WIDE} ${HIGH}`} preserveAspectRatio="none" aria-hidden="true">
      {limit !== null && <line class="limit" x1={0} x2={WIDE} y1={y(limit)} y2={y(limit)} />}
      {pieces(looks).map((piece) => (
        <polyline key={piece[0]} points={piece.map((index) => `${x(index)},${y(looks[index]?.value ?? 0)}`).join(" ")} />
      ))}
      {looks.map(
        (one, index) =>
          one.breached && one.value !== null && <rect key={index} class="breach" x={x(index) - 1.5} width={3} y={y(one.value) - 1.5} height={3} />,
      )}
    </svg>
  );
}

/** The indices of looks that found something, in one piece as long as none between found nothing. */
function pieces(looks: readonly GuardrailLook[]): number[][] {
  const found: number[][] = [];
  let piece: number[] = [];
  looks.forEach((one, index) => {
    if (one.value === null) {
      piece = [];
    } else {
      if (piece.length === 0) found.push(piece);
      piece.push(index);
    }
  });
  return found;
}
