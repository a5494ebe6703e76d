import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { FigureCard } from "../src/view/rollout/figures";
import { GuardrailCard } from "../src/view/rollout/guardrails";
import { History } from "../src/view/rollout/history";
import { Acts } from "../src/view/rollout/acts";
import { Row } from "../src/view/list/row";
import { Summary } from "../src/view/rollout/summary";
import { draw, redraw } from "./support/page";
import { detail, figure, guardrail, HTML, line } from "./support/samples";

describe("a figure", () => {
  test("has its value, target and number of samples per group, and no zero where nothing is known", () => {
    const text = draw(<FigureCard figure={figure()} />).textContent;

    expect(text).toContain("≥ 95\u00a0%");
    expect(text).toContain("97.3\u00a0%");
    expect(text).toContain("n = 1,200");
    expect(text).toContain("no data");
    expect(text).not.toMatch(/\b0\b/);
  });

  test("that misses its target says so in words", () => {
    const missed = figure({ groups: { treatment: { value: 90, samples: 3, points: [], ok: false } } });

    expect(draw(<FigureCard figure={missed} />, "ko").textContent).toContain("목표 미달");
  });
});

test("a guardrail shows the interval, the e-value against its bound, and that it is proven", () => {
  const one = guardrail({ interval: [0.008, 0.021], estimate: 0.0123, eValue: 1.44, eBound: 20, proven: true });
  const text = draw(<GuardrailCard guardrail={one} />).textContent;

  for (const told of ["0.008 … 0.021", "1.44 of 20", "proven safe", "≤ 0.05", "12,034", "Passes"]) expect(text).toContain(told);
});

test("a guardrail that found nothing shows nothing, and why", () => {
  const one = guardrail({ value: null, verdict: "NoData", at: null, samples: null, message: "is it scraped?" });
  const text = draw(<GuardrailCard guardrail={one} />).textContent;

  expect(text).toContain("no data");
  expect(text).toContain("is it scraped?");
});

test("HTML of strangers is text wherever it may stand", () => {
  const step = { serial: 1, at: null, reason: HTML, message: HTML, by: HTML, warning: true, attempt: 1, revision: HTML, stage: HTML, from: 1, to: 2 };
  const place = draw(
    <>
      <Row line={line({ name: HTML, phase: HTML, message: HTML, stage: HTML, waitingFor: HTML })} index={2} />
      <Summary detail={detail({ message: HTML, todo: HTML, traffic: HTML, contested: HTML, revision: HTML, waiting: HTML, key: HTML })}>{null}</Summary>
      <GuardrailCard guardrail={guardrail({ name: HTML, kind: HTML, action: HTML, verdict: HTML, message: HTML })} />
      <FigureCard figure={figure({ title: { en: HTML, ko: HTML }, unit: HTML, error: HTML })} />
      <History history={[step]} />
    </>,
  );

  expect(place.querySelector("img")).toBe(null);
  expect(place.textContent).toContain(HTML);
});

test("a revision that waits is told beside the one that is rolled out", () => {
  const shown = (waiting: string) => draw(<Summary detail={detail({ waiting })}>{null}</Summary>).textContent;

  expect(shown("ranker-2")).toContain("ranker-1 (ranker-2 waits)");
  expect(shown("")).not.toContain("waits)");
});

describe("acting", () => {
  const answers = vi.fn<typeof fetch>();
  const open = (place: HTMLElement, name: RegExp) =>
    act(() => [...place.querySelectorAll("button")].find((one) => name.test(one.textContent ?? ""))?.click());
  const write = (place: HTMLElement, reason: string) =>
    act(() => {
      const field = place.querySelector("textarea") as HTMLTextAreaElement;
      field.value = reason;
      field.dispatchEvent(new Event("input", { bubbles: true }));
    });
  const send = (place: HTMLElement) =>
    act(async () => {
      place.querySelector("form")?.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
      await new Promise((later) => setTimeout(later));
    });

  beforeEach(() => vi.stubGlobal("fetch", answers));
  afterEach(() => answers.mockReset());

  test("who may not act sees no button, and why", () => {
    const place = draw(<Acts detail={detail({ can: [] })} live />);

    expect(place.querySelectorAll("button").length).toBe(0);
    expect(place.textContent).toContain("right to patch");
  });

  test("needs a reason, and sends it with what protects against other sites", async () => {
    const place = draw(<Acts detail={detail()} live />);
    await open(place, /Roll back/);
    await send(place);
    expect(place.querySelector("[role=alert]")?.textContent).toContain("Say why");
    expect(answers).not.toHaveBeenCalled();

    answers.mockResolvedValue(Response.json({ accepted: true, answered: true, message: "rolled back by kim" }));
    await write(place, "complaints");
    await send(place);
    const [url, options] = answers.mock.calls[0] ?? [];
    expect(String(url)).toMatch(/\/api\/rollouts\/dispatch\/ml-dispatch\/acts$/);
    expect(options?.headers).toMatchObject({ "X-CSRF-Token": "c" });
    expect(JSON.parse(String(options?.body))).toEqual({ verb: "rollback", reason: "complaints" });
    expect(place.querySelector("[role=status]")?.textContent).toContain("rolled back by kim");
    expect(place.querySelector("dialog")).toBe(null);
  });

  test.each<[string, Response | Error, string]>([
    ["the operator", Response.json({ accepted: false, answered: true, message: "it is latched" }), "it is latched"],
    ["RBAC", Response.json({ detail: "kim may not patch" }, { status: 403 }), "kim may not patch"],
    ["the state of things", Response.json({ detail: "another tab was first" }, { status: 409 }), "another tab was first"],
    ["nobody, for no answer came", new TypeError("network"), "No answer came"],
    ["nobody, for the server gave up", Response.json({ detail: "It took too long." }, { status: 503 }), "No answer came"],
    ["a server that asked for nothing", Response.json({ detail: "no", asked: false }, { status: 503 }), "Roll back: refused. no"],
  ])("refused by %s, says so and keeps the reason", async (_, answer, told) => {
    answers.mockImplementation(() => (answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)));
    const place = draw(<Acts detail={detail()} live />);
    await open(place, /Roll back/);
    await write(place, "complaints");
    await send(place);

    expect(place.querySelector("[role=alert]")?.textContent).toContain(told);
    expect(place.querySelector("textarea")?.value).toBe("complaints");
  });

  test.each([
    ["en", /Promote/, "look at the history before you try again"],
    ["ko", /다음 단계로/, "이력을 확인하세요"],
  ] as const)("of which nobody knows what came, is not called refused (%s)", async (language, button, told) => {
    answers.mockResolvedValue(Response.json({ title: "Service Unavailable" }, { status: 503 }));
    const place = draw(<Acts detail={detail({ can: ["promote"] })} live />, language);
    await open(place, button);
    await write(place, "complaints");
    await send(place);

    expect(place.querySelector("[role=alert]")?.textContent).toContain(told);
    expect(place.querySelector("[role=alert]")?.textContent).not.toMatch(/refused|거부/);
  });

  test("is about what stood there when the dialog was opened, also when it is sent again", async () => {
    const place = draw(<Acts detail={detail({ can: ["promote"] })} live />);
    await open(place, /Promote/);
    await write(place, "well");
    answers.mockImplementation(() => Promise.resolve(new Response("", { status: 503 })));
    await send(place);
    const moved = detail({ can: ["promote"], percentage: 100, situation: { ...detail().situation, step: 4 } });
    expect(place.textContent).not.toContain("has moved on");
    redraw(place, <Acts detail={moved} live />);
    expect(place.querySelector("dialog")?.textContent).toContain("has moved on since you opened this");
    await send(place);

    const sent = answers.mock.calls.map(([, options]) => JSON.parse(String(options?.body)));
    const asked = { verb: "promote", reason: "well", seen: detail().situation };
    expect(sent).toEqual([asked, asked]);
  });

  test("with a token that expired, asks to sign in and keeps the reason", async () => {
    const ended = vi.fn();
    answers.mockResolvedValue(Response.json({ detail: "expired" }, { status: 401 }));
    const place = draw(<Acts detail={detail()} live />, "en", ended);
    await open(place, /Roll back/);
    await write(place, "complaints");
    await send(place);

    expect(ended).toHaveBeenCalledOnce();
    expect(place.querySelector("textarea")?.value).toBe("complaints");
  });

  test("to approve a revision that waits, says that it has to be named", async () => {
    const waits = detail({ can: ["approve"], waiting: "ranker-2" });
    const place = draw(<Acts detail={waits} live />);
    await open(place, /Approve/);
    expect(place.querySelector("#act-means")?.textContent).toContain("begin the reason with “ranker-2”");

    const stages = waits.stages.map((stage) => ({ ...stage, place: "ahead" as const, manual: true }));
    const both = draw(<Acts detail={{ ...waits, stages }} live />);
    await open(both, /Approve/);
    expect(both.querySelector("#act-means")?.textContent).toContain("“revision ranker-2” or “stage pilot”");

    const back = draw(<Acts detail={{ ...waits, stages, rolledBack: true }} live />);
    await open(back, /Approve/);
    expect(back.querySelector("#act-means")?.textContent).toContain("begin the reason with “ranker-2”");

    const none = draw(<Acts detail={detail({ can: ["approve"] })} live />);
    await open(none, /Approve/);
    expect(none.querySelector("#act-means")?.textContent).not.toContain("begin the reason");
  });

  test("to demote, offers the stages below and takes the nearest", async () => {
    answers.mockResolvedValue(Response.json({ accepted: true, answered: false, message: "asked" }));
    const place = draw(<Acts detail={detail()} live={false} />);
    await open(place, /Demote/);
    redraw(place, <Acts detail={detail({ situation: { ...detail().situation, step: 4 } })} live={false} />);
    expect(place.textContent).not.toContain("has moved on since");
    expect(place.textContent).toContain("not live");
    await write(place, "slow");
    await send(place);

    const asked = { verb: "demote", reason: "slow", percentage: 10, seen: detail().situation };
    expect(JSON.parse(String(answers.mock.calls[0]?.[1]?.body))).toEqual(asked);
    expect(place.textContent).toContain("has not answered yet");
  });
});
