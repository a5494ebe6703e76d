import { type ComponentChild, render } from "preact";
import { act } from "preact/test-utils";
import { afterEach } from "vitest";
import { DICTIONARIES, type Language, SpeechContext } from "../../src/text/text";
import { SessionContext } from "../../src/view/session";

const session = { user: "kim", groups: [], mode: "cluster", context: null, csrf: "c", tag: "t", expiresAt: null, namespaces: null, canSignOut: true } as const;

/** Draws what a signed-in reader sees. */
export function draw(child: ComponentChild, language: Language = "en", ended: () => void = () => {}): HTMLElement {
  return redraw(document.body.appendChild(document.createElement("div")), child, language, ended);
}

/** Draws the same with what is so by now. */
export function redraw(place: HTMLElement, child: ComponentChild, language: Language = "en", ended: () => void = () => {}): HTMLElement {
  const signedIn = { ...session, groups: [], times: 1, ended, isOf: () => true };
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
