import { useCallback, useEffect, useState } from "react";
import * as api from "../net/api";
import type { Dispatch, Order } from "../state/model";
import { useSpeech } from "../text/speech";
import { Boundary } from "./boundary";
import { windowText } from "./format";
import { OrderDesk } from "./order";
import { Failed, Lines } from "./shared";
import { useGroup } from "./use-group";
import { orderLink, useRoute } from "./use-route";

/** All orders beside the one that is open; on a phone one of the two. */
export function Orders() {
  const { text } = useSpeech();
  const { orders, reload, dispatched } = useOrders();
  const group = useGroup();
  const route = useRoute();

  const open = Array.isArray(orders) ? orders.find(({ id }) => id === route) : undefined;
  return (
    <main className={open ? "desk one" : "desk"}>
      <nav className="list" aria-labelledby="orders">
        <h2 id="orders">{text.orders.heading}</h2>
        {orders === null && <Lines count={6} />}
        {orders === "failed" && <Failed retry={reload}>{text.orders.failed}</Failed>}
        {Array.isArray(orders) && <Listed orders={orders} open={open} />}
      </nav>
      <div className="open">
        {open && group && (
          <Boundary key={open.id} instead={<Failed retry={() => location.reload()}>{text.broken.heading}</Failed>}>
            <OrderDesk order={open} group={group} dispatched={dispatched} reload={reload} />
          </Boundary>
        )}
        {!open && Array.isArray(orders) && <p className="empty">{text.orders.choose}</p>}
      </div>
    </main>
  );
}

type Known = readonly Order[] | "failed" | null;

function useOrders() {
  const [orders, setOrders] = useState<Known>(null);
  const reload = useCallback(async () => {
    const reply = await api.orders();
    // What is on the screen is worth more than the news that nothing newer is to be had.
    setOrders((known) => (reply.kind === "said" ? reply.value : Array.isArray(known) ? known : "failed"));
  }, []);
  const dispatched = useCallback((dispatch: Dispatch) => {
    const status = dispatch.status === "cancelled" ? "open" : dispatch.status;
    const changed = (order: Order): Order => (order.id === dispatch.orderId ? { ...order, status, dispatch } : order);
    setOrders((known) => (Array.isArray(known) ? known.map(changed) : known));
  }, []);

  useEffect(() => {
    const seen = () => document.visibilityState === "visible" && void reload();
    void reload();
    document.addEventListener("visibilitychange", seen);
    return () => document.removeEventListener("visibilitychange", seen);
  }, [reload]);
  return { orders, reload, dispatched };
}

function Listed({ orders, open }: { orders: readonly Order[]; open: Order | undefined }) {
  const { text } = useSpeech();
  const waiting = orders.filter(({ status }) => status === "open");
  const done = orders.filter(({ status }) => status !== "open");
  return (
    <>
      {orders.length === 0 && <p className="empty">{text.orders.empty}</p>}
      {waiting.length > 0 && <Section heading={text.orders.open} orders={waiting} open={open} />}
      {done.length > 0 && <Section heading={text.orders.done} orders={done} open={open} />}
    </>
  );
}

function Section({ heading, orders, open }: { heading: string; orders: readonly Order[]; open: Order | undefined }) {
  return (
    <section>
      <h3>
        {heading} <span className="count">{orders.length}</span>
      </h3>
      <ul>
        {orders.map((order) => (
          <li key={order.id}>
            <Line order={order} current={order.id === open?.id} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Line({ order, current }: { order: Order; current: boolean }) {
  const { language } = useSpeech();
  return (
    <a className="line" href={orderLink(order.id)} aria-current={current || undefined}>
      <span className="code">{order.code}</span>
      <span className="customer">{order.customer}</span>
      <span className="when">{windowText(order, language)}</span>
      {order.dispatch && order.status !== "open" && <span className="by">{order.dispatch.vehicleCode}</span>}
    </a>
  );
}
