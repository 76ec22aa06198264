// A share over time as an SVG; colours come from the style sheet, so that they follow the scheme.

import { duration, percent } from "./format.js";

const SVG = "http://www.w3.org/2000/svg";
const MARGIN = { left: 52, right: 16, top: 26, bottom: 40 };
const TIME_STEPS_S = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400];
const SHARE_STEPS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25];

export class Plot {
  #points = [];
  #texts = {};
  #drawn = "";

  constructor(element) {
    this.element = element;
    new ResizeObserver(() => this.#draw()).observe(element);
  }

  // `texts` says what the share is: `axis` beside the curve, `what` to those who do not see it.
  show(points, texts) {
    this.#points = points;
    this.#texts = texts;
    this.#draw();
  }

  #draw() {
    const { clientWidth: width, clientHeight: height } = this.element;
    const points = this.#points;
    const state = JSON.stringify([width, height, points.length, points.at(-1)]);
    if (state === this.#drawn || width < 100) return;
    this.#drawn = state;
    this.element.replaceChildren(points.length ? chart(points, this.#texts, width, height) : note("Nothing measured yet."));
  }
}

function note(text) {
  const element = document.createElement("p");
  element.className = "quiet";
  element.textContent = text;
  return element;
}

function chart(points, texts, width, height) {
  const end = { x: width - MARGIN.right, y: height - MARGIN.bottom };
  const [firstS, lastS] = [Math.min(0, points[0][0]), Math.max(points.at(-1)[0], points[0][0] + 1)];
  const most = Math.max(...points.map((point) => point[1]), 0.0005);
  const shareStep = SHARE_STEPS.find((step) => most / step <= 4) ?? 0.25;
  const top = Math.min(1, Math.ceil(most / shareStep + 1e-9) * shareStep);
  const timeStep = TIME_STEPS_S.find((step) => (lastS - firstS) / step <= (end.x - MARGIN.left) / 80) ?? 86400;
  const x = (seconds) => MARGIN.left + ((seconds - firstS) / (lastS - firstS)) * (end.x - MARGIN.left);
  const y = (share) => end.y - (share / top) * (end.y - MARGIN.top);

  const summary = `${texts.what} ${percent(points.at(-1)[1])} after ${duration(points.at(-1)[0])}`;
  const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": summary });
  const digits = shareStep < 0.001 ? 2 : shareStep < 0.01 ? 1 : 0;
  for (let n = 0; n * shareStep <= top + 1e-9; n += 1) {
    const at = y(n * shareStep);
    svg.append(make("line", { class: "grid", x1: MARGIN.left, x2: end.x, y1: at, y2: at }));
    svg.append(label(MARGIN.left - 8, at + 4, "end", (100 * n * shareStep).toFixed(digits)));
  }
  for (let seconds = firstS; seconds <= lastS; seconds += timeStep) {
    svg.append(make("line", { class: "axis", x1: x(seconds), x2: x(seconds), y1: end.y, y2: end.y + 5 }));
    svg.append(label(x(seconds), end.y + 19, "middle", lastS < 120 ? String(seconds) : duration(seconds)));
  }
  svg.append(make("line", { class: "axis", x1: MARGIN.left, x2: end.x, y1: end.y, y2: end.y }));
  svg.append(label(4, 14, "start", texts.axis));
  svg.append(label(end.x, height - 4, "end", lastS < 120 ? "time, s" : lastS < 3600 ? "time, min:s" : "time, h:min:s"));

  const corners = points.map(([seconds, share]) => `${x(seconds).toFixed(1)} ${y(share).toFixed(1)}`);
  const [left, right] = [x(points[0][0]).toFixed(1), x(points.at(-1)[0]).toFixed(1)];
  svg.append(make("path", { class: "area", d: `M${left} ${end.y} L${corners.join(" L")} L${right} ${end.y} Z` }));
  svg.append(make("path", { class: "curve", d: `M${corners.join(" L")}` }));
  svg.append(make("circle", { class: "now", cx: right, cy: y(points.at(-1)[1]), r: 4 }));
  return svg;
}

function make(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

function label(x, y, anchor, text) {
  const element = make("text", { x, y, "text-anchor": anchor });
  element.textContent = text;
  return element;
}
