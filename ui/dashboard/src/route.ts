import { useEffect, useState } from "preact/hooks";

/** Where one is: all rollouts, or one of them. It stands behind the `#`, so that signing in does not lose it. */
export type Route = { namespace: string; name: string } | null;

export function parse(hash: string): Route {
  const found = /^#\/([^/]+)\/([^/]+)$/.exec(hash);
  try {
    return found ? { namespace: decodeURIComponent(found[1] ?? ""), name: decodeURIComponent(found[2] ?? "") } : null;
  } catch {
    return null; // not an address that this page has written
  }
}

export const hrefOf = (one: { namespace: string; name: string }): string =>
  `#/${encodeURIComponent(one.namespace)}/${encodeURIComponent(one.name)}`;

export function useRoute(): Route {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const changed = () => setHash(location.hash);
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return parse(hash);
}
