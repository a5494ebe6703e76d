import { createContext, useContext } from "react";
import { en, type Text } from "./en";
import { ko } from "./ko";

export type Language = "en" | "ko";

const TEXTS: Record<Language, Text> = { en, ko };
const KEPT = "dispatch-language";

export interface Speech {
  language: Language;
  text: Text;
}

export const speech = (language: Language): Speech => ({ language, text: TEXTS[language] });
export const SpeechContext = createContext<Speech>(speech("en"));
export const useSpeech = (): Speech => useContext(SpeechContext);

/** The one chosen last, or else the browser's. */
export function languageAtFirst(): Language {
  const wanted = localStorage.getItem(KEPT) ?? navigator.language;
  return wanted.startsWith("ko") ? "ko" : "en";
}

export const keepLanguage = (language: Language): void => localStorage.setItem(KEPT, language);
