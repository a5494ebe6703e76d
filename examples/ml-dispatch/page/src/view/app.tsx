import { useEffect, useState } from "react";
import * as api from "../net/api";
import { session } from "../net/call";
import { keepLanguage, languageAtFirst, type Language, SpeechContext, speech, useSpeech } from "../text/speech";
import { Boundary } from "./boundary";
import { Orders } from "./orders";
import { Failed } from "./shared";
import { SignIn } from "./sign-in";

/** `undefined` while nobody has answered yet who it is. */
type User = string | null | undefined;

export function App() {
  const [language, setLanguage] = useState(languageAtFirst);
  const [user, setUser] = useState<User>();
  const [stays, setStays] = useState(false);
  const spoken = speech(language);

  useEffect(() => {
    const ended = () => setUser(null);
    session.addEventListener("ended", ended);
    void api.whoIs().then((reply) => setUser(reply.kind === "said" ? reply.value : null));
    return () => session.removeEventListener("ended", ended);
  }, []);
  useEffect(() => {
    document.documentElement.lang = language;
    document.title = spoken.text.title;
    keepLanguage(language);
  }, [language, spoken]);

  // Whoever sees "signed out" leaves the screen to others; of a session that has ended, `ended` tells.
  const signOut = async () => {
    const out = (await api.signOut()).kind === "said";
    setStays(!out);
    if (out) setUser(null);
  };
  const signedIn = (name: string) => {
    setStays(false);
    setUser(name);
  };
  return (
    <SpeechContext.Provider value={spoken}>
      <Header user={user} signOut={() => void signOut()} language={language} choose={setLanguage} />
      {user && stays && <Failed retry={() => void signOut()}>{spoken.text.signIn.stays}</Failed>}
      <Boundary instead={<Broken />}>
        {user === null && <SignIn signedIn={signedIn} />}
        {user && <Orders key={user} />}
      </Boundary>
    </SpeechContext.Provider>
  );
}

interface HeaderProps {
  user: User;
  signOut: () => void;
  language: Language;
  choose: (language: Language) => void;
}

function Header({ user, signOut, language, choose }: HeaderProps) {
  const { text } = useSpeech();
  const other = language === "en" ? "ko" : "en";
  return (
    <header className="top">
      <h1>
        <a className="brand" href="#/">
          <Mark /> {text.title}
        </a>
      </h1>
      <div className="who">
        <button className="quiet" lang={other} onClick={() => choose(other)}>
          {text.language}
        </button>
        {user && (
          <>
            <span className="user">{user}</span>
            <button className="quiet" onClick={signOut}>
              {text.signIn.out}
            </button>
          </>
        )}
      </div>
    </header>
  );
}

const Mark = () => (
  <svg className="mark" viewBox="0 0 32 32" aria-hidden="true">
    <rect width="32" height="32" rx="8" />
    <path d="M5 10h13v10H5zM18 14h5l4 4v2h-9z" />
    <circle cx="10" cy="22" r="3" />
    <circle cx="22" cy="22" r="3" />
  </svg>
);

function Broken() {
  const { text } = useSpeech();
  return (
    <main className="alone" role="alert">
      <h2>{text.broken.heading}</h2>
      <p>{text.broken.hint}</p>
      <button className="main" onClick={() => location.reload()}>
        {text.broken.reload}
      </button>
    </main>
  );
}
