// The one open connection to the session, and the way back to it.

const SILENCE_MS = 6000; // three heartbeats of the server
const AGAIN_MS = 2000;

export class Connection {
  #source = null;
  #silence = 0;
  #again = 0;
  #isOver = false;

  // handlers: figures(object), pictures({name: version}), opened(), lost(), over()
  constructor(handlers) {
    this.handlers = handlers;
    this.#open();
  }

  #open() {
    this.#source = new EventSource("events");
    const on = (name, use) =>
      this.#source.addEventListener(name, (event) => {
        this.#heard();
        use(JSON.parse(event.data));
      });
    this.#source.addEventListener("open", () => {
      this.#heard();
      this.handlers.opened();
    });
    on("figures", this.handlers.figures);
    on("pictures", this.handlers.pictures);
    on("heartbeat", () => {});
    on("bye", () => this.#end());
    this.#source.addEventListener("error", () => this.#fail());
    this.#heard();
  }

  #heard() {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#fail(), SILENCE_MS);
  }

  // The browser's own retry gives up for ever after some answers, so every failure opens a fresh connection.
  #fail() {
    if (this.#isOver) return;
    this.#source.close();
    clearTimeout(this.#silence);
    clearTimeout(this.#again);
    this.handlers.lost();
    this.#again = setTimeout(() => this.#open(), AGAIN_MS);
  }

  #end() {
    this.#isOver = true;
    this.#source.close();
    clearTimeout(this.#silence);
    this.handlers.over();
  }
}

// Sends one command; returns an empty text, or one line that says why it was refused.
export async function post(command) {
  try {
    const headers = { "content-type": "application/json" };
    const answer = await fetch("commands", { method: "POST", headers, body: JSON.stringify(command) });
    return answer.ok ? "" : (await answer.text()) || `refused (${answer.status})`;
  } catch {
    return "not sent: the connection to the session is lost";
  }
}
