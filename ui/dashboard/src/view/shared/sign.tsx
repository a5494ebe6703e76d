import type { JSX } from "preact";
import type { Standing } from "../../state/standing";

/** A shape for each standing and verdict: none is told by its colour alone. */
const SHAPES: Readonly<Record<string, JSX.Element>> = {
  bad: <path d="M5 1h6l4 4v6l-4 4H5l-4-4V5zM8 4v5M8 11v1.500" />,
  waiting: <path d="M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1zM6.500 5v6M9.500 5v6" />,
  going: <path d="M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1zM6.500 5l4 3-4 3z" />,
  done: <path d="M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1zM4.800 8.200l2.400 2.400 4.200-4.800" />,
  unknown: <path d="M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1zM6 6.200c.2-3 4-2.600 4 0 0 1.400-2 1.500-2 3M8 11v1.200" />,
};

export type Tone = Standing | "unknown";

export function Sign({ tone }: { tone: Tone }) {
  return (
    <svg class={`sign ${tone}`} viewBox="0 0 16 16" aria-hidden="true">
      {SHAPES[tone]}
    </svg>
  );
}

const VERDICTS: Readonly<Record<string, Tone>> = {
  Pass: "done",
  Breach: "bad",
  Error: "waiting",
  NoData: "unknown",
  Inconclusive: "unknown",
};

export const toneOfVerdict = (verdict: string): Tone => VERDICTS[verdict] ?? "unknown";
