import { type FormEvent, useState } from "react";
import type { Dispatch } from "../state/model";
import { useSpeech } from "../text/speech";

interface Props {
  dispatch: Dispatch;
  send: (rating: number, comment: string) => void;
}

/** Once for each dispatch: 1 to 5, and a word if one likes. */
export function Survey({ dispatch, send }: Props) {
  const { text } = useSpeech();
  const [rating, setRating] = useState(0);
  const [comment, setComment] = useState("");
  if (dispatch.rating !== null) {
    return (
      <p className="thanks" role="status">
        {text.survey.thanks}: {text.survey.stars(dispatch.rating)}
      </p>
    );
  }

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (rating) send(rating, comment.trim());
  };
  return (
    <form className="survey" onSubmit={submit}>
      <fieldset>
        <legend>{text.survey.heading}</legend>
        <span className="hint">{text.survey.worst}</span>
        {[1, 2, 3, 4, 5].map((count) => (
          <label key={count} className={count <= rating ? "star on" : "star"}>
            <input type="radio" name="rating" value={count} checked={rating === count} onChange={() => setRating(count)} required />
            <span aria-hidden="true">★</span>
            <span className="unseen">{text.survey.stars(count)}</span>
          </label>
        ))}
        <span className="hint">{text.survey.best}</span>
      </fieldset>
      <label className="comment">
        {text.survey.comment}
        <input value={comment} maxLength={500} onChange={(event) => setComment(event.target.value)} />
      </label>
      <button>{text.survey.send}</button>
    </form>
  );
}
