// Numbers as people read them. "–" stands for what is not known.

const UNKNOWN = "–";
const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

export const count = (value) => (isNumber(value) ? value.toLocaleString("en") : UNKNOWN);

export const fixed = (value, digits) => (isNumber(value) ? value.toFixed(digits) : UNKNOWN);

export const percent = (share) => (isNumber(share) ? `${(100 * share).toFixed(share < 0.1 ? 2 : 1)} %` : UNKNOWN);

export function memory(bytes) {
  if (!isNumber(bytes)) return UNKNOWN;
  const mebibytes = bytes / 2 ** 20;
  return mebibytes < 1024 ? `${mebibytes.toFixed(mebibytes < 10 ? 1 : 0)} MiB` : `${(mebibytes / 1024).toFixed(1)} GiB`;
}

export function duration(seconds) {
  if (!isNumber(seconds)) return UNKNOWN;
  const whole = Math.floor(seconds);
  const two = (value) => String(value).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}
