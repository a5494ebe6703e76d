import { useEffect, useState } from "preact/hooks";
import { isLanguage, type Language, languageOf } from "../text/text";

export type Theme = "auto" | "light" | "dark";
export const THEMES: readonly Theme[] = ["auto", "light", "dark"];
const DARK = "(prefers-color-scheme: dark)";

export interface Preferences {
  language: Language;
  theme: Theme;
  /** Whether it is dark now, by choice or by the system. */
  dark: boolean;
  setLanguage(language: Language): void;
  setTheme(theme: Theme): void;
}

/** What the reader chose last in this browser; else what the browser says. */
export function usePreferences(): Preferences {
  const [language, setLanguage] = useState<Language>(() => {
    const kept = recall("language");
    return isLanguage(kept) ? kept : languageOf(navigator.language);
  });
  const [theme, setTheme] = useState<Theme>(() => THEMES.find((one) => one === recall("theme")) ?? "auto");
  const system = useMedia(DARK);
  useEffect(() => {
    document.documentElement.lang = language;
    keep("language", language);
  }, [language]);
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
    keep("theme", theme);
  }, [theme]);
  return { language, theme, dark: theme === "auto" ? system : theme === "dark", setLanguage, setTheme };
}

function useMedia(query: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const media = matchMedia(query);
    const changed = () => setMatches(media.matches);
    media.addEventListener("change", changed);
    return () => media.removeEventListener("change", changed);
  }, [query]);
  return matches;
}

const PREFIX = "mlrollout.dashboard.";

// A browser may forbid storage; then a choice lasts as long as the page.
function recall(name: string): string | null {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null;
  }
}

function keep(name: string, value: string): void {
  try {
    localStorage.setItem(PREFIX + name, value);
  } catch {
    /* see recall */
  }
}
