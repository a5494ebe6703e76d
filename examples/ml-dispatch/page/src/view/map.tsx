import { useEffect, useState } from "react";
import * as api from "../net/api";
import { square } from "../state/bounds";
import type { Id, Order, Place, Vehicle } from "../state/model";
import { useSpeech } from "../text/speech";

interface Props {
  order: Order;
  shown: readonly { vehicleId: Id; vehicleCode: string }[];
}

/** Where the order goes, and where the vehicles are that could take it. Only to look at: all it tells stands in the lists. */
export function OrderMap({ order, shown }: Props) {
  const { text } = useSpeech();
  const [fleet, setFleet] = useState<readonly Vehicle[]>([]);
  useEffect(() => void api.vehicles().then((reply) => reply.kind === "said" && setFleet(reply.value)), []);

  const near = shown.flatMap(({ vehicleId }) => fleet.find(({ id }) => id === vehicleId) ?? []);
  const { pickup, dropoff } = order;
  const { x, y, side } = square([pickup, dropoff, ...near.map(({ position }) => position)]);
  const at = (place: Place) => ({ x: ((place.x - x) / side) * 100, y: 100 - ((place.y - y) / side) * 100 });
  const [from, to] = [at(pickup), at(dropoff)];
  return (
    <svg className="map" viewBox="0 0 100 100" role="img" aria-label={text.map}>
      <path className="way" d={`M${from.x} ${from.y}L${to.x} ${to.y}`} />
      <circle className="pickup" cx={from.x} cy={from.y} r="2.6" />
      <rect className="dropoff" x={to.x - 2.4} y={to.y - 2.4} width="4.8" height="4.8" />
      <Label at={from} above={from.y <= to.y}>
        {text.order.pickup}
      </Label>
      <Label at={to} above={to.y < from.y}>
        {text.order.dropoff}
      </Label>
      {near.map((vehicle, index) => (
        <Spot key={vehicle.id} at={at(vehicle.position)} rank={index + 1} />
      ))}
    </svg>
  );
}

/** Away from the line between the two. */
const Label = ({ at, above, children }: { at: Place; above: boolean; children: string }) => (
  <text className="label" x={at.x} y={at.y + (above ? -4.5 : 7.5)} textAnchor={at.x < 15 ? "start" : at.x > 85 ? "end" : "middle"}>
    {children}
  </text>
);

const Spot = ({ at, rank }: { at: Place; rank: number }) => (
  <g className="spot">
    <circle cx={at.x} cy={at.y} r="3.4" />
    <text x={at.x} y={at.y + 1.3} textAnchor="middle">
      {rank}
    </text>
  </g>
);
