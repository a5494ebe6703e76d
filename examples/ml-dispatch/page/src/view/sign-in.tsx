import { type FormEvent, useState } from "react";
import * as api from "../net/api";
import { useSpeech } from "../text/speech";

export function SignIn({ signedIn }: { signedIn: (user: string) => void }) {
  const { text } = useSpeech();
  const [user, setUser] = useState("");
  const [trouble, setTrouble] = useState("");

  const go = async (event: FormEvent) => {
    event.preventDefault();
    const reply = await api.signIn(user.trim());
    if (reply.kind === "said") signedIn(user.trim());
    else setTrouble(reply.message || text.signIn.failed);
  };
  return (
    <main className="alone">
      <h2>{text.signIn.heading}</h2>
      <p id="sign-in-hint">{text.signIn.hint}</p>
      <form onSubmit={go}>
        <label>
          {text.signIn.user}
          <input
            value={user}
            onChange={(event) => setUser(event.target.value)}
            required
            maxLength={200}
            autoComplete="username"
            autoCapitalize="none"
            aria-describedby="sign-in-hint"
            autoFocus
          />
        </label>
        <button className="main">{text.signIn.go}</button>
        {trouble && <p role="alert">{trouble}</p>}
      </form>
    </main>
  );
}
