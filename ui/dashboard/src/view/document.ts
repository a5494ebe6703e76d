import { useEffect } from "preact/hooks";

/** The title of the tab; one that is not live says so, too. */
export function useTitle(title: string, live: boolean): void {
  useEffect(() => {
    document.title = live ? title : `… ${title}`;
  }, [title, live]);
}
