/** Follows the group of the page's user: by OpenFeature, from `mlrollout server`, with its stream of events. */
import { OFREPWebProvider } from "@openfeature/ofrep-web-provider";
import { OpenFeature, type Provider, ProviderEvents } from "@openfeature/web-sdk";
import type { Config, Group } from "../state/model";
import { config } from "./api";
import { DEADLINE } from "./call";

const AGAIN_AFTER = 2000;
/** Milliseconds for which the group stands without the server's word: a stream that has gone silent tells nobody so. */
const FRESH_FOR = 30_000;

/**
 * Tells the group now, and each time it changes. What is not known is control: while the server can't be heard, a rollback
 * could not be heard either. Comes back with the function that ends it.
 */
export function follow(tell: (group: Group) => void): () => void {
  const client = OpenFeature.getClient();
  let flag = "";
  let waiting: ReturnType<typeof setTimeout> | undefined;
  let ended = false;

  const hear = () => tell(client.getBooleanValue(flag, false) ? "treatment" : "control");
  const again = (after: number) => {
    clearTimeout(waiting);
    waiting = setTimeout(connect, after * (1 + Math.random()));
  };
  const lose = () => {
    if (ended) return;
    tell("control");
    again(AGAIN_AFTER);
  };
  // Anew each time, configuration and all: the provider says when it lost the server, and not when it has it back
  // unchanged, nor when nothing comes any more; and what the page shows the server of itself may have expired.
  const connect = async () => {
    const reply = await config();
    if (ended) return;
    if (reply.kind === "failed") return lose();
    flag = reply.value.flag;
    try {
      await OpenFeature.setContext({ targetingKey: reply.value.userId, revision: reply.value.revision });
      await OpenFeature.setProviderAndWait(provider(reply.value));
      if (ended) return;
      hear();
      again(FRESH_FOR);
    } catch {
      lose();
    }
  };

  client.addHandler(ProviderEvents.ConfigurationChanged, hear);
  client.addHandler(ProviderEvents.Stale, lose);
  void connect();
  return () => {
    ended = true;
    clearTimeout(waiting);
    client.removeHandler(ProviderEvents.ConfigurationChanged, hear);
    client.removeHandler(ProviderEvents.Stale, lose);
    void OpenFeature.clearProviders();
  };
}

/** It keeps nothing from one visit to the next: what was treatment then may have been rolled back since. */
function provider({ ofrep, headers }: Config): Provider {
  const shown = Object.entries(headers);
  const made = new OFREPWebProvider({ baseUrl: ofrep, headers: shown, cacheMode: "disabled", timeoutMs: DEADLINE });
  return made as Provider; // which it is, but for a field that it declares as undefined where the type has it absent
}
