import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";

/** `/` goes to the search; the arrows go from row to row. */
export function useListKeys(body: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      const written = event.target instanceof HTMLElement && event.target.closest("input, select, textarea, dialog");
      if (event.key === "/" && !written) {
        event.preventDefault();
        document.getElementById("search")?.focus();
      } else if (step !== undefined && (!written || event.target instanceof HTMLInputElement)) {
        go(body.current, step, event);
      }
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, [body]);
}

function go(body: HTMLElement | null, step: number, event: KeyboardEvent): void {
  const links = [...(body?.querySelectorAll<HTMLElement>("[data-row]") ?? [])];
  const at = links.indexOf(document.activeElement as HTMLElement);
  const next = at < 0 ? links[0] : links[at + step];
  if (next === undefined || (at < 0 && !(event.target instanceof HTMLInputElement))) return;
  event.preventDefault();
  next.focus();
}
