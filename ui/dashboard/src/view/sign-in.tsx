import { useEffect, useRef, useState } from "preact/hooks";
import type { SessionAnswer } from "../contract";
import { type Reply, signIn, type SignInBy } from "../net/api";
import type { Dictionary } from "../text/en";
import { useSpeech } from "../text/text";

interface Props {
  /** Whether somebody was signed in before: then what they looked at is still there, behind this. */
  again: boolean;
  how: SignInBy;
  onSession(session: SessionAnswer): void;
}

export function SignIn({ again, how, onSession }: Props) {
  const { text } = useSpeech();
  const dialog = useRef<HTMLDialogElement>(null);
  const [token, setToken] = useState("");
  const [asking, setAsking] = useState(false);
  const [trouble, setTrouble] = useState("");

  useEffect(() => dialog.current?.showModal(), []);
  const submit = async (event: Event) => {
    event.preventDefault();
    setAsking(true);
    setTrouble("");
    const reply = await signIn(token.trim());
    if (reply.kind === "said") return onSession(reply.value);
    setAsking(false);
    setTrouble(why(reply, text));
  };
  const fields = (
    <>
      <label for="token">{text.token}</label>
      <input
        id="token"
        type="password"
        autocomplete="off"
        spellcheck={false}
        required
        autofocus
        aria-describedby="token-hint"
        value={token}
        onInput={(event) => setToken(event.currentTarget.value)}
      />
      <p id="token-hint" class="hint">
        {text.tokenHint}
      </p>
      <p class="note bad" role="alert" hidden={!trouble}>
        {trouble}
      </p>
      <button type="submit" class="main" disabled={asking}>
        {asking ? text.signingIn : text.signIn}
      </button>
      <p class="hint">{text.tokenless}</p>
    </>
  );
  return (
    <dialog
      ref={dialog}
      class="sign-in"
      aria-labelledby="sign-in-title"
      onCancel={(event) => event.preventDefault()}
      onClose={() => dialog.current?.showModal()}
    >
      <form onSubmit={submit}>
        <h1 id="sign-in-title">{text.signInTitle}</h1>
        {again && <p class="note waiting">{text.signedOut}</p>}
        {how === "command" ? <p class="note waiting">{text.byCommand}</p> : fields}
      </form>
    </dialog>
  );
}

function why(reply: Exclude<Reply<SessionAnswer>, { kind: "said" }>, text: Dictionary): string {
  return reply.kind === "unreachable" ? text.unreachable : reply.message;
}
