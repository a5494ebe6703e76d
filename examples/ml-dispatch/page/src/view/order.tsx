import { lazy, type ReactNode, Suspense } from "react";
import type { Dispatch, Group, Order } from "../state/model";
import type { Choice } from "../state/panel";
import { useSpeech } from "../text/speech";
import { Boundary } from "./boundary";
import { number, windowText } from "./format";
import { Assigned } from "./assigned";
import { Legacy } from "./legacy";
import { OrderMap } from "./map";
import { loadMlPanel } from "./ml/load";
import { CardBones } from "./ml/bones";
import { useDesk } from "./use-desk";
import { useKeptFocus } from "./use-kept-focus";

const MlPanel = lazy(loadMlPanel);

interface Props {
  order: Order;
  group: Group;
  dispatched: (dispatch: Dispatch) => void;
  reload: () => Promise<void>;
}

/** The open order: what is to be moved, and the vehicles for it or the one that was chosen. */
export function OrderDesk(props: Props) {
  const { order } = props;
  const { text } = useSpeech();
  return (
    <article aria-labelledby="order">
      <a className="back" href="#/">
        ‹ {text.orders.back}
      </a>
      <Facts order={order} />
      {/* A new dispatch is a new desk: after a cancellation its panel is found anew. */}
      <Vehicles key={order.status === "open" ? "open" : order.dispatch?.id} {...props} />
    </article>
  );
}

function Facts({ order }: { order: Order }) {
  const { text, language } = useSpeech();
  return (
    <header className="facts">
      <h2 id="order">
        <span className="code">{order.code}</span> {order.customer}
      </h2>
      <dl>
        <Fact name={text.order.window}>{windowText(order, language)}</Fact>
        <Fact name={text.order.load}>{number(order.loadKg, 0, language)} kg</Fact>
      </dl>
      <ul className="needs">
        {order.voltage && <li>{text.order.voltage(order.voltage)}</li>}
        {order.lift && <li>{text.order.lift}</li>}
      </ul>
    </header>
  );
}

const Fact = ({ name, children }: { name: string; children: ReactNode }) => (
  <div>
    <dt>{name}</dt>
    <dd>{children}</dd>
  </div>
);

function Vehicles(props: Props) {
  const { order, dispatched } = props;
  if (order.status !== "open" && order.dispatch) {
    return <Assigned dispatch={order.dispatch} changed={dispatched} />;
  }
  return <Choosing {...props} />;
}

/** One of the two panels. */
function Choosing(props: Props) {
  const { order } = props;
  const { text } = useSpeech();
  const { desk, assign, failed, findNearest } = useDesk(props);
  const { panel, nearest, assigning, trouble } = desk;
  const place = useKeptFocus(panel.kind);

  const why = panel.kind === "legacy" ? panel.why : "broken";
  const legacy = <Legacy {...{ nearest, why, trouble, assigning, assign }} retry={findNearest} />;
  const fallback = panel.kind === "legacy" && panel.why ? text.fallback[panel.why] : "";
  const said = panel.kind === "asking" ? text.ml.loading : (trouble ?? fallback);
  const choose = (choice: Omit<Choice, "by">) => assign({ ...choice, by: "ml_assisted" });
  return (
    <div className="choosing">
      {/* It stays while panels come and go: what is said in a region that has just come may go unheard. */}
      <p className="unseen" role="status">
        {said}
      </p>
      <section ref={place} aria-label={panel.kind === "legacy" ? text.nearest.heading : text.ml.heading} data-panel={panel.kind}>
        {panel.kind === "legacy" && legacy}
        {panel.kind === "asking" && <CardBones />}
        {panel.kind === "ml" && (
          <Boundary instead={legacy} failed={() => failed("broken")}>
            <Suspense fallback={<CardBones />}>
              <MlPanel found={panel.found} assigning={assigning} assign={choose} />
            </Suspense>
          </Boundary>
        )}
      </section>
      <OrderMap order={order} shown={panel.kind === "ml" ? panel.found.cards : Array.isArray(nearest) ? nearest : []} />
    </div>
  );
}
