// Controls for what the session lets a person change; ranges and texts come from the server's schema.

const WAIT_MS = 250; // a slider that is being moved is sent this often
const TRUST_MS = 3000; // how long the session may take before its own value is shown again

export class Settings {
  #controls = null;
  #rows = new Map();
  #keys = "";
  #values = {};

  // send({key: value}) returns an empty text or why it was refused.
  constructor(card, element, send) {
    this.card = card;
    this.element = element;
    this.send = send;
    this.#load();
  }

  async #load() {
    this.#controls = await (await fetch("controls")).json();
    this.show(this.#values);
  }

  show(values) {
    this.#values = values ?? {};
    if (!this.#controls) return;
    const keys = Object.keys(this.#values).filter((key) => key in this.#controls);
    if (keys.join() !== this.#keys) this.#build(keys);
    for (const key of keys) this.#rows.get(key).sync(this.#values[key]);
  }

  enable(isEnabled) {
    for (const row of this.#rows.values()) row.enable(isEnabled);
  }

  #build(keys) {
    this.#keys = keys.join();
    this.#rows = new Map(keys.map((key) => [key, new Row(key, this.#controls[key], this.send)]));
    this.element.replaceChildren(...[...this.#rows.values()].map((row) => row.element));
    this.card.hidden = keys.length === 0;
  }
}

class Row {
  #timer = 0;
  #asked = null;
  #shown = undefined;

  constructor(key, control, send) {
    this.key = key;
    this.control = control;
    this.send = send;
    const id = `setting-${key.replaceAll(".", "-")}`;
    this.fields = fieldsOf(control, id);
    const unit = control.unit ? `, ${control.unit}` : "";
    const name = make("label", { htmlFor: id, textContent: `${control.label}${unit}` });
    const head = make("div", { className: "setting-head" });
    head.append(name, make("code", { textContent: key }));
    const row = make("div", { className: "row" });
    row.append(...this.fields);
    this.fields[1]?.setAttribute("aria-label", `${control.label}${unit}, as a number`);
    const help = make("p", { className: "quiet", id: `${id}-help`, textContent: control.help });
    this.refusal = make("p", { className: "refused", hidden: true });
    this.refusal.setAttribute("role", "alert");
    this.element = make("div", { className: "setting" });
    this.element.append(head, row, help, this.refusal);
    for (const field of this.fields) {
      field.setAttribute("aria-describedby", help.id);
      field.addEventListener("input", () => this.#moved(field));
      field.addEventListener("change", () => this.#commit(field));
    }
  }

  enable(isEnabled) {
    for (const field of this.fields) field.disabled = !isEnabled;
  }

  // Shows the session's value, unless the person is ahead of it.
  sync(value) {
    if (this.#asked && this.#asked.value !== value && performance.now() < this.#asked.until) return;
    if (this.#timer || (this.#shown === value && !this.#asked)) return;
    this.#asked = null;
    this.#set(value);
  }

  #set(value) {
    this.#shown = value;
    for (const field of this.fields) {
      if (field.type === "checkbox") field.checked = value;
      else field.value = value;
    }
  }

  #read(field) {
    if (this.control.kind === "switch") return field.checked;
    if (this.control.kind !== "range") return field.value;
    if (field.value === "") return null;
    if (field.type === "number" || this.control.is_integer) return Number(field.value);
    const rounded = Number(Number(field.value).toPrecision(2)); // a slider's last digits mean nothing
    return Math.min(this.control.maximum, Math.max(this.control.minimum, rounded));
  }

  #moved(field) {
    if (field.type !== "range") return;
    this.fields[1].value = this.#read(field);
    this.#timer ||= setTimeout(() => this.#commit(field), WAIT_MS);
  }

  async #commit(field) {
    clearTimeout(this.#timer);
    this.#timer = 0;
    const value = this.#read(field);
    if (value === null) return this.#set(this.#shown);
    if (value === this.#asked?.value) return undefined;
    const asked = { value, until: performance.now() + TRUST_MS };
    this.#asked = asked;
    this.refusal.hidden = true;
    const refusal = await this.send({ [this.key]: value });
    if (refusal && this.#asked === asked) {
      this.#asked = null;
      this.refusal.textContent = refusal;
      this.refusal.hidden = false;
      this.#set(this.#shown);
    }
    return undefined;
  }
}

function fieldsOf(control, id) {
  if (control.kind === "range") {
    const { minimum: min, maximum: max, is_integer: isInteger } = control;
    const slider = make("input", { id, type: "range", min, max, step: isInteger ? 1 : "any" });
    const number = make("input", { id: `${id}-number`, type: "number", min, max, step: isInteger ? 1 : "any" });
    return [slider, number];
  }
  if (control.kind === "switch") return [make("input", { id, type: "checkbox" })];
  if (control.kind === "choice") {
    const select = make("select", { id });
    select.append(...control.choices.map((choice) => make("option", { value: choice, textContent: choice })));
    return [select];
  }
  return [make("input", { id, type: "text" })];
}

function make(name, properties) {
  return Object.assign(document.createElement(name), properties);
}
