import type { ReactNode } from "react";
import { useSpeech } from "../text/speech";

/** Where lines will be. */
export const Lines = ({ count }: { count: number }) => (
  <div className="skeleton" aria-hidden="true">
    {Array.from({ length: count }, (_, index) => (
      <div key={index} className="bone line-bone" />
    ))}
  </div>
);

/** Something could not be loaded, and can be tried again. */
export function Failed({ children, retry }: { children: ReactNode; retry: () => void }) {
  const { text } = useSpeech();
  return (
    <div className="note" role="alert">
      <p>{children}</p>
      <button onClick={retry}>{text.retry}</button>
    </div>
  );
}
