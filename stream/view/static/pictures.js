// Pictures of one name: fetched when the server announced a newer one and the last is on the screen.

const RENEW_MS = 1000; // the server forgets a look after 2.5 s

export class Feed {
  #announced = 0;
  #have = 0;
  #askedAt = -Infinity;
  #isBusy = false;
  #isLooking = false;

  constructor(name, show) {
    this.name = name;
    this.show = show; // takes an ImageBitmap that stays valid until the next one
    this.bitmap = null;
  }

  look(isLooking) {
    this.#isLooking = isLooking;
    this.poke();
  }

  announce(version) {
    this.#announced = version;
    this.poke();
  }

  // A new connection may be to a server that counts from zero again.
  forget() {
    this.#announced = 0;
    this.#have = 0;
  }

  async poke() {
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      while (this.#isLooking && this.#isDue()) await this.#fetchNewest();
    } catch {
      // Lost connections are told by the event stream; the next second's poke tries again.
    } finally {
      this.#isBusy = false;
    }
  }

  #isDue() {
    return this.#announced > this.#have || performance.now() - this.#askedAt >= RENEW_MS;
  }

  async #fetchNewest() {
    this.#askedAt = performance.now();
    const answer = await fetch(`pictures/${this.name}?after=${this.#have}`);
    if (answer.status !== 200) {
      this.#announced = Math.min(this.#announced, this.#have);
      return;
    }
    const version = Number(answer.headers.get("x-picture-version"));
    const bitmap = await createImageBitmap(await answer.blob());
    this.bitmap?.close();
    this.bitmap = bitmap;
    this.#have = version;
    this.show(bitmap);
  }
}

export function draw(canvas, bitmap) {
  if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
    canvas.width = bitmap.width;
    canvas.height = bitmap.height;
  }
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0);
}

// Fills what is opaque in the bitmap with one colour.
export function drawTint(canvas, bitmap, color) {
  draw(canvas, bitmap);
  const context = canvas.getContext("2d");
  context.globalCompositeOperation = "source-in";
  context.fillStyle = color;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.globalCompositeOperation = "source-over";
}
