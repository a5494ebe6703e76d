import type * as Panel from "./panel";

/**
 * The ML panel is a part of its own, fetched with the recommendation and under the same deadline: who is in control never
 * loads it, and where a deploy has taken it away from an open page, that is one more failure of the ML path.
 */
export const loadMlPanel = (): Promise<typeof Panel> => import("./panel");
