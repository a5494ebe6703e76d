import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useState } from "preact/hooks";

export interface Slice {
  first: number;
  last: number;
}

const MORE = 8;
const GUESS = 44;

/** Which of so many rows of one height can be seen, and some more so that Tab finds the next.
 *
 * @param top how far the first row is above the upper edge of the window, in pixels; negative where it is below
 */
export function sliceOf(count: number, row: number, top: number, view: number): Slice {
  const first = Math.max(0, Math.min(Math.floor(top / row) - MORE, count));
  return { first, last: Math.max(first, Math.min(count, Math.ceil((top + view) / row) + MORE)) };
}

export interface Window extends Slice {
  /** Pixels of a row. */
  row: number;
}

/** The slice of a list that can be seen, as the window scrolls. Rows are measured by the first that is there. */
export function useWindow(body: RefObject<HTMLElement | null>, count: number): Window {
  const [row, setRow] = useState(GUESS);
  const [slice, setSlice] = useState<Slice>({ first: 0, last: Math.min(count, 40) });

  useLayoutEffect(() => {
    const measure = () => {
      const height = body.current?.querySelector<HTMLElement>("[role=row]")?.offsetHeight;
      if (height) setRow(height);
    };
    measure();
    addEventListener("resize", measure);
    return () => removeEventListener("resize", measure);
  }, [body, count === 0]);

  useEffect(() => {
    let asked = 0;
    const look = () => {
      asked = 0;
      const top = -(body.current?.getBoundingClientRect().top ?? 0);
      const found = sliceOf(count, row, top, innerHeight);
      setSlice((known) => (known.first === found.first && known.last === found.last ? known : found));
    };
    const soon = () => {
      asked ||= requestAnimationFrame(look);
    };
    look();
    addEventListener("scroll", soon, { passive: true });
    addEventListener("resize", soon);
    return () => {
      cancelAnimationFrame(asked);
      removeEventListener("scroll", soon);
      removeEventListener("resize", soon);
    };
  }, [body, count, row]);

  return { row, first: Math.min(slice.first, count), last: Math.min(Math.max(slice.last, slice.first), count) };
}
