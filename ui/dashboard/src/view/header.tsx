import type { SessionAnswer } from "../contract";
import type { Route } from "../route";
import { DICTIONARIES, type Language, useSpeech } from "../text/text";
import { type Preferences, THEMES, type Theme } from "./preferences";

interface Props {
  preferences: Preferences;
  session: SessionAnswer | null;
  route: Route;
  onSignOut(): void;
}

export function Header({ preferences, session, route, onSignOut }: Props) {
  const { text } = useSpeech();
  return (
    <header class="top">
      <a class="skip" href={location.hash || "#"} onClick={toContent}>
        {text.skip}
      </a>
      <a class="brand" href="#/" aria-current={route === null ? "page" : undefined}>
        <svg class="logo" viewBox="0 0 16 16" aria-hidden="true">
          <rect width="16" height="16" rx="3" />
          <path d="M3 12h3V9h3.500V5H13" />
        </svg>
        mlrollout
      </a>
      <div class="choices">
        <select
          aria-label={text.chooseLanguage}
          value={preferences.language}
          onChange={(event) => preferences.setLanguage(event.currentTarget.value as Language)}
        >
          {Object.entries(DICTIONARIES).map(([language, { language: name }]) => (
            <option key={language} value={language} lang={language}>
              {name}
            </option>
          ))}
        </select>
        <select
          aria-label={text.theme}
          value={preferences.theme}
          onChange={(event) => preferences.setTheme(event.currentTarget.value as Theme)}
        >
          {THEMES.map((theme) => (
            <option key={theme} value={theme}>
              {text.themes[theme]}
            </option>
          ))}
        </select>
        {session && (
          <>
            <span class="user" title={session.context ?? undefined}>
              {session.user}
            </span>
            {session.canSignOut && (
              <button type="button" class="quiet" onClick={onSignOut}>
                {text.signOut}
              </button>
            )}
          </>
        )}
      </div>
    </header>
  );
}

function toContent(event: Event): void {
  event.preventDefault();
  document.getElementById("content")?.focus();
}
