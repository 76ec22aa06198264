// Picks a region of the screen: by dragging on the call, or by typing; nothing is sent before the button.

const CLICK_PX = 4; // a shorter drag was a click
const PARTS = ["x", "y", "width", "height"];

export class RegionPicker {
  #size = { width: 0, height: 0 };
  #from = null;

  // use([x, y, width, height]) is called with pixels of the source.
  constructor(use) {
    const byId = (id) => document.getElementById(id);
    this.form = byId("region");
    this.stage = byId("call-stage");
    this.picture = byId("call");
    this.rect = byId("region-rect");
    this.label = byId("region-label");
    this.fields = PARTS.map((part) => byId(`region-${part}`));
    this.applyButton = byId("region-apply");
    this.cancelButton = byId("region-cancel");
    this.#listen(use);
  }

  #listen(use) {
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      const region = this.#typed();
      this.cancel();
      if (region) use(region);
    });
    this.form.addEventListener("input", () => this.#show(this.#typed()));
    this.cancelButton.addEventListener("click", () => this.cancel());
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !this.cancelButton.disabled) this.cancel();
    });
    this.stage.addEventListener("pointerdown", (event) => this.#begin(event));
    this.stage.addEventListener("pointermove", (event) => this.#drag(event));
    this.stage.addEventListener("pointerup", (event) => this.#finish(event));
    this.stage.addEventListener("pointercancel", () => this.cancel());
  }

  // Says whether a region can be picked, and of how large a picture.
  offer(isPossible, width, height) {
    this.form.hidden = !isPossible;
    this.stage.classList.toggle("can-pick", isPossible);
    if (!isPossible) this.cancel();
    if (this.#size.width === width && this.#size.height === height) return;
    this.#size = { width, height };
    const [x, y, wide, high] = this.fields;
    [x.max, y.max, wide.max, high.max] = [width - 1, height - 1, width, height];
    this.cancel();
  }

  cancel() {
    this.#from = null;
    for (const field of this.fields) field.value = "";
    this.#show(null);
    this.cancelButton.disabled = true;
  }

  #begin(event) {
    if (this.form.hidden || event.button !== 0) return;
    event.preventDefault();
    this.stage.setPointerCapture(event.pointerId);
    this.#from = event;
  }

  #drag(event) {
    if (!this.#from || !this.#isDrag(event)) return;
    const region = this.#between(this.#from, event);
    this.fields.forEach((field, n) => (field.value = region[n]));
    this.#show(region);
  }

  #finish(event) {
    if (!this.#from) return;
    const isDrag = this.#isDrag(event);
    this.#drag(event);
    this.#from = null;
    if (isDrag) this.applyButton.focus({ preventScroll: true });
  }

  #isDrag(event) {
    return Math.hypot(event.clientX - this.#from.clientX, event.clientY - this.#from.clientY) >= CLICK_PX;
  }

  #between(from, to) {
    const box = this.picture.getBoundingClientRect();
    const along = (value, start, length, pixels) => {
      const share = Math.min(1, Math.max(0, (value - start) / length));
      return Math.round(share * pixels);
    };
    const [x0, x1] = [from, to].map((event) => along(event.clientX, box.left, box.width, this.#size.width)).sort(ascending);
    const [y0, y1] = [from, to].map((event) => along(event.clientY, box.top, box.height, this.#size.height)).sort(ascending);
    return [x0, y0, Math.max(1, x1 - x0), Math.max(1, y1 - y0)];
  }

  // The region in the fields, or null while it is not whole or not inside the picture.
  #typed() {
    const region = this.fields.map((field) => (field.value === "" ? NaN : Number(field.value)));
    const [x, y, width, height] = region;
    const isInside = x >= 0 && y >= 0 && width >= 1 && height >= 1 && x + width <= this.#size.width && y + height <= this.#size.height;
    return region.every(Number.isInteger) && isInside ? region : null;
  }

  #show(region) {
    this.rect.hidden = !region;
    this.label.hidden = !region;
    this.applyButton.disabled = !region;
    this.cancelButton.disabled = this.fields.every((field) => field.value === "");
    if (!region) return;
    const [x, y, width, height] = region;
    const [left, wide] = [x, width].map((pixels) => (100 * pixels) / this.#size.width);
    const [top, high] = [y, height].map((pixels) => (100 * pixels) / this.#size.height);
    place(this.rect, { left, top, width: wide, height: high });
    place(this.label, { left: Math.min(60, left), top: Math.min(88, top) });
    this.label.textContent = `${width} × ${height} px at (${x}, ${y})`;
  }
}

function place(element, percents) {
  for (const [side, percent] of Object.entries(percents)) element.style[side] = `${percent}%`;
}

const ascending = (a, b) => a - b;
