import { useSpeech } from "../../text/speech";

export function MlHeading() {
  const { text } = useSpeech();
  return (
    <header className="panel-head">
      <h3 tabIndex={-1}>
        {text.ml.heading} <span className="beta">{text.ml.beta}</span>
      </h3>
      <p className="hint">{text.ml.hint}</p>
    </header>
  );
}
