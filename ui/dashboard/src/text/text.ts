import { createContext } from "preact";
import { useContext } from "preact/hooks";
import { type Dictionary, en } from "./en";
import { ko } from "./ko";

export type Language = "en" | "ko";
export const DICTIONARIES: Readonly<Record<Language, Dictionary>> = { en, ko };

export const isLanguage = (text: unknown): text is Language => text === "en" || text === "ko";

/** The language that is meant by `ko-KR`; English where it is none of ours. */
export const languageOf = (tag: string | null | undefined): Language => (tag?.toLowerCase().startsWith("ko") ? "ko" : "en");

export interface Speech {
  language: Language;
  text: Dictionary;
}

export const SpeechContext = createContext<Speech>({ language: "en", text: en });
export const useSpeech = (): Speech => useContext(SpeechContext);

/** A word of the contract in the reader's language; as it came where a newer server has one that this page does not know. */
export function word(words: Readonly<Record<string, string>>, known: string): string {
  return Object.hasOwn(words, known) ? (words[known] ?? known) : known;
}
