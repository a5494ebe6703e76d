import { MlHeading } from "./heading";

/** Where the three cards will be. */
export function CardBones() {
  return (
    <>
      <MlHeading />
      <div className="cards skeleton" aria-hidden="true">
        {[1, 2, 3].map((rank) => (
          <div key={rank} className="bone card-bone" />
        ))}
      </div>
    </>
  );
}
