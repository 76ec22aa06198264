// The live page: what the session says goes on the screen, what the person does goes back as a command.

import { Connection, post } from "./connection.js";
import * as format from "./format.js";
import { draw, drawTint, Feed } from "./pictures.js";
import { Plot } from "./plot.js";
import { RegionPicker } from "./region.js";
import { Settings } from "./settings.js";

const TINT = "#ff2bd6"; // a colour that rooms and backdrops seldom have
const TITLES = { room: "Room", backdrop: "Backdrop", confidence: "How sure", leaks: "How often", mask: "Mask", seen: "What people see", control: "Without protection" };
const WHAT = {
  room: "The room as far as it is found",
  backdrop: "The virtual background as far as it is known",
  confidence: "Map of how sure each find is, over the darkened backdrop",
  leaks: "Map of how often the room showed, over the darkened backdrop",
  mask: "Where the camera is shown",
  seen: "What people see at that moment",
  control: "What the phone records of a display without protection",
};
// By the kind of session: its main picture, and what its buttons say and ask.
const SESSIONS = {
  watch: {
    main: "call",
    plot: { title: "Coverage over time", axis: "found, % of the picture", what: "Coverage" },
    title: "Call",
    label: "The call as it is captured",
    pause: "Pause",
    resume: "Resume",
    reset: "Reset…",
    confirmReset: ["Forget every frame counted so far and start over?", "Start over", "Keep"],
    confirmStop: ["Save what was found and end the session?", "Save and end", "Go on"],
  },
  protect: {
    main: "output",
    plot: { title: "Room shown so far", axis: "shown at least once, % of the known room", what: "Room shown" },
    title: "What the others see",
    label: "What the others see",
    pause: "Hide me (p)",
    resume: "Show me again (p)",
    reset: "Camera was moved…",
    confirmReset: ["Forget what is known of the room and learn it anew? Right after the camera was moved.", "Learn anew", "Keep"],
    confirmStop: ["Stop the camera? The others see nothing more of you.", "Stop", "Go on"],
  },
  background: {
    main: "output",
    plot: { title: "", axis: "", what: "" },
    title: "What goes out",
    label: "The background as it goes out",
    pause: "Show a placeholder (p)",
    resume: "Show the background again (p)",
    confirmStop: ["Stop the background? Nothing goes out any more.", "Stop", "Go on"],
  },
  audit: {
    main: "output",
    plot: { title: "Room shown so far", axis: "shown at least once, % of the known room", what: "Room shown" },
    title: "What the other client shows",
    label: "What the other client shows",
    pause: "Pause",
    resume: "Resume",
    confirmStop: ["Write the report and end the audit?", "End", "Go on"],
  },
  play: {
    main: "output",
    title: "What people see",
    label: "What people see",
    plot: {},
    pause: "Pause (p)",
    resume: "Play (p)",
    confirmStop: ["End the film?", "End", "Go on"],
  },
  film: {
    main: "output",
    title: "What the phone records",
    label: "What the phone records",
    plot: {},
    pause: "Pause (p)",
    resume: "Go on (p)",
    confirmStop: ["End here, and score what was filmed?", "End", "Go on"],
  },
};
const LOST = "The connection to the session is lost; trying again. If it was started anew, open the address it printed.";

const byId = (id) => document.getElementById(id);
const setText = (id, text) => {
  if (byId(id).textContent !== text) byId(id).textContent = text;
};

let figures = null;
let isConnected = false;
let isOver = false;
let lastMessage = "";
let lastState = "";
let beside = "room";
let session = SESSIONS.watch;

const plot = new Plot(byId("plot"));
const region = new RegionPicker((px) => ask({ kind: "region", region_px: px }, "Region sent; starting over."));
const settings = new Settings(byId("settings-card"), byId("settings"), (changes) => post({ kind: "settings", settings: changes }));

// Pictures

const feeds = new Map(
  ["call", "output", ...Object.keys(TITLES)].map((name) => [name, new Feed(name, (bitmap) => show(name, bitmap))]),
);

function show(name, bitmap) {
  if (name === session.main) {
    draw(byId("call"), bitmap);
    fit(byId("call-stage"), bitmap);
  }
  if (name === "room" && byId("show-coverage").checked) drawTint(byId("call-mark"), bitmap, TINT);
  if (name === beside) {
    draw(byId("room"), bitmap);
    fit(byId("room-stage"), bitmap);
  }
  showWaiting();
}

function fit(stage, bitmap) {
  stage.style.setProperty("--aspect", (bitmap.width / bitmap.height).toFixed(4));
}

function lookAtWhatIsShown() {
  if (isOver) return;
  const isSeen = document.visibilityState === "visible" && isConnected;
  const wanted = new Set([session.main, beside]);
  if (byId("show-coverage").checked) wanted.add("room");
  for (const [name, feed] of feeds) feed.look(isSeen && wanted.has(name));
}

function announce(versions) {
  for (const [name, version] of Object.entries(versions)) feeds.get(name)?.announce(version);
  offerBeside(Object.keys(TITLES).filter((name) => name in versions));
}

function offerBeside(names) {
  const group = byId("room-choice");
  if (group.dataset.names === names.join()) return;
  group.dataset.names = names.join();
  group.hidden = names.length < 2;
  if (names.length && !names.includes(beside)) showBeside(names[0]);
  group.replaceChildren(...names.map((name) => radio(name)));
}

function radio(name) {
  const label = document.createElement("label");
  const input = Object.assign(document.createElement("input"), { type: "radio", name: "beside", value: name, checked: name === beside });
  input.addEventListener("change", () => showBeside(name));
  label.className = "switch";
  label.append(input, ` ${TITLES[name]}`);
  return label;
}

function showBeside(name) {
  beside = name;
  setText("room-title", TITLES[name]);
  byId("room").setAttribute("aria-label", WHAT[name]);
  for (const other of Object.keys(TITLES)) byId(`${other}-key`).hidden = other !== name;
  const { bitmap } = feeds.get(name);
  if (bitmap) draw(byId("room"), bitmap);
  else byId("room").getContext("2d").reset();
  lookAtWhatIsShown();
  showWaiting();
}

function showWaiting() {
  byId("call-waiting").hidden = Boolean(feeds.get(session.main).bitmap);
  setText("call-waiting", waitingForTheCall());
  const hasFrames = figures?.frames > 0;
  byId("room").hidden = !hasFrames; // after a reset the last picture is of what was forgotten
  const isEmpty = beside === "room" && !(figures?.coverage > 0);
  byId("room-waiting").hidden = hasFrames && Boolean(feeds.get(beside).bitmap) && !isEmpty;
  const isWatch = session === SESSIONS.watch;
  setText("room-waiting", hasFrames ? "Nothing found yet." : isWatch ? "What is found of the room appears here." : "Nothing to show yet.");
  byId("call-mark").hidden = !hasFrames || !byId("show-coverage").checked;
}

function waitingForTheCall() {
  if (!figures) return "Connecting to the session…";
  if (figures.state === "ended") return "The session ended before a picture was shown here.";
  if (figures.state === "paused") return "Paused; the call shows again when it goes on.";
  if (figures.state === "starting") return `Starting: ${figures.message || "making ready"}…`;
  return figures.frames > 0 ? "Waiting for the next frame…" : `Waiting for the first frame of ${figures.source}…`;
}

// Figures

function showFigures(next) {
  figures = next;
  showSession(next.session);
  const name = next.source.replace(` (${next.width}x${next.height})`, ""); // a screen's name ends in its size
  setText("source", `${name} · ${next.width}×${next.height} · ${next.is_live ? "live" : "recording"}`);
  setText("coverage", format.percent(next.coverage));
  setText("rate", `${format.fixed(next.rate_hz, 1)} /s`);
  setText("frames", next.n_frames ? `${format.count(next.frames)} of ${format.count(next.n_frames)}` : format.count(next.frames));
  setText("dropped", format.count(next.dropped));
  setText("elapsed", format.duration(next.elapsed_s));
  setText("memory", format.memory(next.memory_bytes));
  byId("counts").hidden = next.exact === null; // the method does not count exactly anyway
  setText("exact", next.exact ? "exact" : "not exact");
  byId("exact").classList.toggle("degraded", next.exact === false);
  showMoreFigures(next.figures ?? []);
  showNotices(next.notices ?? []);
  showLatency(next.latency_ms ?? {});
  plot.show(next.coverage_over_time ?? [], session.plot);
  settings.show(next.settings);
  region.offer(Boolean(next.can_pick_region), next.width, next.height);
  if (next.state !== lastState) say(""); // "Pausing…" has come true
  if (next.message && next.message !== lastMessage && next.state !== "ended") say(next.message);
  [lastMessage, lastState] = [next.message, next.state];
  showState();
}

function showSession(kind) {
  if (document.body.dataset.session === kind) return;
  document.body.dataset.session = kind;
  session = SESSIONS[kind] ?? SESSIONS.watch;
  setText("call-title", session.title);
  setText("plot-title", session.plot.title);
  byId("call").setAttribute("aria-label", session.label);
  setText("reset", session.reset ?? "");
  byId("reset").hidden = !session.reset;
  lookAtWhatIsShown();
}

function showMoreFigures(rows) {
  for (const [name, text, isBad] of rows) {
    const id = `figure-${name.toLowerCase().replaceAll(/[^a-z]+/g, "-")}`;
    if (!byId(id)) {
      const box = document.createElement("div");
      box.append(Object.assign(document.createElement("dt"), { textContent: name }), Object.assign(document.createElement("dd"), { id }));
      byId("figures").append(box);
    }
    setText(id, text);
    byId(id).classList.toggle("degraded", isBad);
  }
}

function showNotices(notices) {
  byId("notices").hidden = notices.length === 0;
  const list = byId("notice-list");
  if (list.dataset.shown === JSON.stringify(notices)) return;
  list.dataset.shown = JSON.stringify(notices);
  list.replaceChildren(...notices.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
}

function showLatency(stages) {
  const rows = Object.entries(stages).map(([stage, { p50, p99 }]) => {
    const row = document.createElement("tr");
    row.append(...[stage, format.fixed(p50, 1), format.fixed(p99, 1)].map(cell));
    return row;
  });
  if (rows.length) byId("latency").replaceChildren(...rows);
}

function cell(text) {
  return Object.assign(document.createElement("td"), { textContent: text });
}

function stateNow() {
  if (isOver || figures?.state === "ended") return "ended";
  if (!figures) return "connecting";
  return isConnected ? figures.state : "lost";
}

function showState() {
  const state = stateNow();
  byId("state").dataset.state = state;
  setText("state", state === "lost" ? "connection lost" : state);
  document.title = state === "running" ? "Backroom" : `${state} · Backroom`;
  byId("lost").hidden = state !== "lost";
  setText("lost", state === "lost" ? LOST : "");
  byId("ended").hidden = state !== "ended";
  setText("ended", state === "ended" ? (figures?.message ? `The session has ended: ${figures.message}` : "The session has ended.") : "");
  const isOpen = state === "running" || state === "paused";
  for (const id of ["pause", "save", "reset", "stop", "whole-screen"]) byId(id).disabled = !isOpen;
  for (const button of document.querySelectorAll("[data-key]")) button.disabled = !isOpen;
  setText("pause", figures?.state === "paused" ? session.resume : session.pause);
  byId("pause").classList.toggle("panic", session === SESSIONS.protect && state === "running");
  settings.enable(isOpen);
  showWaiting();
}

// Commands

function say(text, isRefusal = false) {
  setText("message", text);
  byId("message").classList.toggle("refused", isRefusal);
}

async function ask(command, said) {
  const refusal = await post(command);
  say(refusal || said, Boolean(refusal));
}

// Asks once before something that cannot be taken back.
function confirmThen(question, yes, no, act) {
  const dialog = byId("question");
  setText("question-text", question);
  setText("question-yes", yes);
  setText("question-no", no);
  byId("question-yes").onclick = () => {
    dialog.close();
    act();
  };
  byId("question-no").onclick = () => dialog.close();
  dialog.showModal();
  byId("question-no").focus();
}

function pauseOrResume() {
  if (figures.state === "paused") ask({ kind: "resume" }, "Resuming…");
  else ask({ kind: "pause" }, "Pausing…");
}

byId("pause").addEventListener("click", pauseOrResume);
document.addEventListener("keydown", (event) => {
  const isTyping = event.target.matches?.("input:not([type=radio], [type=checkbox], [type=range]), select, textarea") || event.ctrlKey || event.metaKey || event.altKey;
  if (event.key !== "p" || isTyping || event.repeat || byId("pause").disabled || byId("question").open) return;
  pauseOrResume();
});
for (const button of document.querySelectorAll("[data-key]")) {
  button.addEventListener("click", () => ask({ kind: "key", key: button.dataset.key }, ""));
}
byId("save").addEventListener("click", () => ask({ kind: "save" }, "Saving…"));
byId("reset").addEventListener("click", () =>
  confirmThen(...session.confirmReset, () => ask({ kind: "reset" }, "Starting over…")),
);
byId("stop").addEventListener("click", () =>
  confirmThen(...session.confirmStop, () => ask({ kind: "stop" }, "Ending…")),
);
byId("whole-screen").addEventListener("click", () => ask({ kind: "whole_screen" }, "Going back to the whole screen."));
byId("show-coverage").addEventListener("change", (event) => {
  const { bitmap } = feeds.get("room");
  if (event.target.checked && bitmap) drawTint(byId("call-mark"), bitmap, TINT);
  lookAtWhatIsShown();
  showWaiting();
});

// Connection

function setConnected(isNow) {
  isConnected = isNow;
  lookAtWhatIsShown();
  showState();
}

new Connection({
  figures: showFigures,
  pictures: announce,
  opened: () => {
    for (const feed of feeds.values()) feed.forget();
    setConnected(true);
  },
  lost: () => setConnected(false),
  over: () => {
    isOver = true;
    showState();
  },
});
const renewal = setInterval(() => {
  if (isOver) clearInterval(renewal);
  else for (const feed of feeds.values()) feed.poke();
}, 1000);
document.addEventListener("visibilitychange", lookAtWhatIsShown);
