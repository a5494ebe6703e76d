import { type ComponentChild, render } from "preact";
import { act } from "preact/test-utils";
import { afterEach } from "vitest";
import { DICTIONARIES, type Language, SpeechContext } from "../../src/text/text";
import { SessionContext } from "../../src/view/session";

const session = { user: "kim", groups: [], mode: "cluster", context: null, csrf: "c", expiresAt: null, namespaces: null } as const;

/** Draws what a signed-in reader sees. */
export function draw(child: ComponentChild, language: Language = "en", ended: () => void = () => {}): HTMLElement {
  const place = document.body.appendChild(document.createElement("div"));
  const signedIn = { ...session, groups: [], times: 1, ended };
  act(() =>
    render(
      <SpeechContext.Provider value={{ language, text: DICTIONARIES[language] }}>
        <SessionContext.Provider value={signedIn}>{child}</SessionContext.Provider>
      </SpeechContext.Provider>,
      place,
    ),
  );
  return place;
}

afterEach(() => {
  for (const place of document.body.children) render(null, place);
  document.body.replaceChildren();
});
