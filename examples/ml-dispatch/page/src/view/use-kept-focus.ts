import { useEffect, useLayoutEffect, useRef } from "react";

/** Where what had the focus is taken away, the heading of what comes in its place gets it; elsewhere it stays. */
export function useKeptFocus(shown: string) {
  const place = useRef<HTMLElement>(null);
  const within = useRef(false);

  useEffect(() => {
    const heard = () => {
      const focused = document.activeElement;
      // Nothing has it while it is being taken away.
      if (focused && focused !== document.body) within.current = place.current?.contains(focused) ?? false;
    };
    document.addEventListener("focusin", heard);
    return () => document.removeEventListener("focusin", heard);
  }, []);
  useLayoutEffect(() => {
    const lost = document.activeElement === document.body || document.activeElement === null;
    if (within.current && lost) place.current?.querySelector<HTMLElement>("[tabindex='-1']")?.focus();
  }, [shown]);
  return place;
}
