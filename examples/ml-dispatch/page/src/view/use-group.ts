import { useEffect, useState } from "react";
import { follow } from "../net/group";
import type { Group } from "../state/model";

/** Milliseconds that an order may wait, at the first opening of the page, for which panel it gets. */
const PATIENCE = 1000;

/** The group that the user is in now; null as long as it is worth waiting to know. */
export function useGroup(): Group | null {
  const [group, setGroup] = useState<Group | null>(null);
  useEffect(() => {
    const late = setTimeout(() => setGroup((known) => known ?? "control"), PATIENCE);
    const stop = follow(setGroup);
    return () => {
      clearTimeout(late);
      stop();
    };
  }, []);
  return group;
}
