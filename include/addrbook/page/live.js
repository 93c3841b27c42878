// What others write, as it happens: Server-Sent Events of _changes. An EventSource sends no
// Authorization, so with a token the same is read by fetch().

import { request, token } from "./api.js";

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
      else if (!this.source && !this.aborter) this.open();
    });
    addEventListener("online", () => this.path && this.open());
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
    this.source?.close();
    this.aborter?.abort();
    this.source = this.aborter = null;
  }

  open() {
    this.close();
    if (!this.path) return;
    const url = `${this.path}?since=${encodeURIComponent(this.since)}`;
    if (token.get()) {
      this.follow(url);
      return;
    }
    const source = (this.source = new EventSource(url));
    source.onopen = () => this.onstate("live");
    source.onmessage = (event) => this.take(event.lastEventId, event.data);
    source.addEventListener("reset", () => this.reset());
    // Its own second try would begin at the token of this URL where nothing has come yet.
    source.onerror = () => this.again();
  }

  async follow(url) {
    const aborter = (this.aborter = new AbortController());
    try {
      const response = await request(url, { headers: { Accept: "text/event-stream" }, signal: aborter.signal });
      this.onstate("live");
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let held = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        const events = (held + value).split("\n\n");
        held = events.pop();
        for (const event of events) this.takeEvent(event);
      }
    } catch (error) {
      if (error.name === "AbortError") return;
    }
    if (this.aborter === aborter) this.again();
  }

  takeEvent(text) {
    const field = (name) => new RegExp(`^${name}: ?(.*)$`, "m").exec(text)?.[1];
    if (field("event") === "reset") this.reset();
    else if (field("data")) this.take(field("id"), field("data"));
  }

  take(id, data) {
    if (id) this.since = id;
    this.batch.push(data);
    // Thousands come at once when somebody imports a file.
    this.flushing ??= setTimeout(() => {
      this.flushing = null;
      this.onchange(this.batch.splice(0));
    }, 40);
  }

  reset() {
    this.close();
    this.onreset();
  }

  again() {
    this.close();
    this.onstate("waiting");
    this.retry = setTimeout(() => this.open(), 2000);
  }
}

