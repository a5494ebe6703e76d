// As much of the npm package `redis` as the README's example needs, so that the tests need no registry.

import { EventEmitter } from "node:events";
import { connect } from "node:net";

export const createClient = (options) => new Client(options);

class Client extends EventEmitter {
  #options;
  #socket;
  #unread = "";
  #waiting = [];
  #listeners = new Map();

  constructor(options) {
    super();
    this.#options = options;
  }

  duplicate() {
    return new Client(this.#options);
  }

  connect() {
    const { hostname, port } = new URL(this.#options.url);
    this.#socket = connect(Number(port), hostname).setEncoding("latin1");
    this.#socket.on("data", (text) => this.#take(text)).on("error", (error) => this.emit("error", error));
    return new Promise((resolve) => this.#socket.once("connect", () => resolve(this.emit("ready"))));
  }

  mGet(keys) {
    return this.#send("MGET", ...keys);
  }

  subscribe(channel, listener) {
    this.#listeners.set(channel, listener);
    return this.#send("SUBSCRIBE", channel);
  }

  #send(...words) {
    if (!this.#socket?.writable) return Promise.reject(new Error("not connected"));
    this.#socket.write(`*${words.length}\r\n` + words.map((word) => `$${word.length}\r\n${word}\r\n`).join(""));
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #take(text) {
    this.#unread += text;
    for (let found; (found = parse(this.#unread, 0)); ) {
      const [reply, end] = found;
      this.#unread = this.#unread.slice(end);
      if (reply[0] === "message") this.#listeners.get(reply[1])(reply[2]);
      else this.#waiting.shift()(reply);
    }
  }
}

/** The reply that begins at `start`, and where it ends; null where it has not come whole yet. */
function parse(text, start) {
  const end = text.indexOf("\r\n", start);
  if (end < 0) return null;
  const kind = text[start];
  const number = Number(text.slice(start + 1, end));
  let next = end + 2;
  if (kind === ":") return [number, next];
  if (kind === "$" && number < 0) return [null, next];
  if (kind === "$") {
    const stop = next + number;
    return text.length < stop + 2 ? null : [text.slice(next, stop), stop + 2];
  }
  if (kind !== "*") throw new Error(text.slice(start, end));
  const items = [];
  while (items.length < number) {
    const item = parse(text, next);
    if (item === null) return null;
    items.push(item[0]);
    next = item[1];
  }
  return [items, next];
}
