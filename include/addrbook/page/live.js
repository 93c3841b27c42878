// What others write, as it happens: Server-Sent Events of _changes. They are read by fetch(): an
// EventSource sends no token, and does not tell why it was refused.

import { request } from "./api.js";

export class Live {
  // @param onchange  called with the texts of changes that came together
  // @param onstate   called with "live", "waiting" or "off"
  // @param onreset   called where changes are lost: read the book anew, then start()
  constructor({ onchange, onstate, onreset }) {
    Object.assign(this, { onchange, onstate, onreset });
    this.batch = [];
    // A browser has six connections for all tabs of a server: one that nobody looks at needs none.
    document.addEventListener("visibilitychange", () => {
      clearTimeout(this.hiding);
      if (!this.path) return;
      if (document.hidden) this.hiding = setTimeout(() => this.close(), 30_000);
      else if (!this.aborter) this.open();
    });
    addEventListener("online", () => this.open());
    // A browser may keep a page after its user has left it, with its connection.
    addEventListener("pagehide", () => this.close());
    addEventListener("pageshow", (event) => event.persisted && this.open());
  }

  // @param path   of the changes
  // @param since  a token of the book's state now
  start(path, since) {
    this.path = path;
    this.since = since;
    this.open();
  }

  stop() {
    this.path = "";
    this.batch = []; // of the book that was
    this.close();
    this.onstate("off");
  }

  close() {
    clearTimeout(this.retry);
    this.aborter?.abort();
    this.aborter = null;
  }

  async open() {
    this.close();
    if (!this.path) return;
    const aborter = (this.aborter = new AbortController());
    try {
      // From the cache, a second tab would wait for the first one's end.
      const response = await request(`${this.path}?since=${this.since}`, { headers: { Accept: "text/event-stream" }, cache: "no-store", signal: aborter.signal });
      this.pause = 0;
      this.onstate("live");
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let held = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        const events = (held + value).split("\n\n");
        held = events.pop();
        for (const event of events) this.take(event);
      }
    } catch (error) {
      if (this.aborter === aborter && /40[134]/.test(error.status)) this.stop();
    }
    if (this.aborter !== aborter) return;
    this.onstate("waiting");
    this.pause = Math.min(30_000, this.pause * 2 || 5000); // the server's "retry", at first
    this.retry = setTimeout(() => this.open(), this.pause);
  }

  take(text) {
    const field = (name) => new RegExp(`^${name}: ?(.*)$`, "m").exec(text)?.[1];
    if (field("event") === "reset") {
      this.close();
      this.onreset();
      return;
    }
    if (!field("data")) return;
    this.since = field("id") || this.since;
    this.batch.push(field("data"));
    // Thousands come at once when somebody imports a file.
    this.flushing ??= setTimeout(() => {
      this.flushing = null;
      this.onchange(this.batch.splice(0));
    }, 40);
  }
}

