import { createContext } from "preact";
import { useContext, useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";

/** Whether it is dark: a canvas has to be drawn anew with other colours. */
export const DarkContext = createContext(false);

/** How a chart is to look, read from the page's styles. */
export interface Look {
  width: number;
  height: number;
  /** Pixels of the text. */
  font: number;
  colour: Readonly<Record<"text" | "muted" | "grid" | "treatment" | "control" | "target" | "bad", string>>;
}

interface Props {
  label: string;
  build(look: Look): Omit<uPlot.Options, "width" | "height">;
  /** What the options are built from, as text: they are built anew where it changes. */
  about: string;
  data: uPlot.AlignedData;
  tall?: boolean;
}

export function Chart({ label, build, about, data, tall = false }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const dark = useContext(DarkContext);
  const width = useWidth(place);

  useEffect(() => {
    if (!place.current || !width) return;
    const look = lookOf(place.current, width);
    plot.current = new uPlot({ ...build(look), width, height: look.height }, data, place.current);
    return () => {
      plot.current?.destroy();
      plot.current = null;
    };
  }, [about, dark, width]);
  useEffect(() => plot.current?.setData(data), [data]);
  return <div ref={place} class={`chart ${tall ? "tall" : ""}`} role="img" aria-label={label} />;
}

function useWidth(place: { current: HTMLDivElement | null }): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const observer = new ResizeObserver(() => setWidth(Math.floor(place.current?.clientWidth ?? 0)));
    if (place.current) observer.observe(place.current);
    return () => observer.disconnect();
  }, [place]);
  return width;
}

const COLOURS = ["text", "muted", "grid", "treatment", "control", "target", "bad"] as const;

function lookOf(place: HTMLElement, width: number): Look {
  // A custom property may be a function of the theme; only the colour of an element is worked out.
  const probe = place.appendChild(document.createElement("i"));
  const colour = Object.fromEntries(
    COLOURS.map((name) => {
      probe.style.color = `var(--${name})`;
      return [name, getComputedStyle(probe).color];
    }),
  ) as Look["colour"];
  probe.remove();
  const font = Math.round(0.75 * parseFloat(getComputedStyle(document.documentElement).fontSize));
  return { width, height: place.clientHeight, font, colour };
}
