import { useEffect, useState } from "preact/hooks";

export type Schedule = (run: () => void) => void;

/** Before the next picture is drawn; in a tab that is not seen, where none is drawn, soon. */
export const nextFrame: Schedule = (run) => {
  if (document.hidden) setTimeout(run, 250);
  else requestAnimationFrame(run);
};

/** A state that events change. However many come between two pictures, they are taken at once and drawn once. */
export class Store<State, Event> {
  private waiting: Event[] = [];
  private readonly listeners = new Set<() => void>();

  constructor(
    private state: State,
    private readonly reduce: (state: State, events: readonly Event[], now: number) => State,
    private readonly schedule: Schedule = nextFrame,
  ) {}

  get(): State {
    return this.state;
  }

  push(event: Event): void {
    this.waiting.push(event);
    if (this.waiting.length === 1) this.schedule(() => this.flush());
  }

  listen(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private flush(): void {
    const events = this.waiting;
    this.waiting = [];
    this.state = this.reduce(this.state, events, Date.now());
    for (const listener of this.listeners) listener();
  }
}

export function useStore<State, Event>(store: Store<State, Event>): State {
  const [, drawn] = useState<State>(store.get());
  useEffect(() => {
    drawn(store.get());
    return store.listen(() => drawn(store.get()));
  }, [store]);
  return store.get();
}
