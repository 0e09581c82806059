/** Numbers, sizes and times as people read them. */

/** Made once: making one for each number costs more than all else that views do with numbers. */
const COUNTS = new Intl.NumberFormat('en-US');

/** A count with thousands separators: 12,345. */
export function formatCount(value: number): string {
  return COUNTS.format(value);
}

/** A count for tight places: 9,999, then 20k, then 1.2M. */
export function shortCount(value: number): string {
  if (value < 10_000) {
    return formatCount(value);
  }
  return value < 999_500 ? `${Math.round(value / 1000)}k` : `${(value / 1e6).toFixed(1)}M`;
}

/** "1 task", "2 tasks". */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${formatCount(value)} ${value === 1 ? one : many}`;
}

const SIZE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** A size in decimal units with at most one digit after the point: 3.4 MB. */
export function formatBytes(bytes: number): string {
  let value = Math.max(0, bytes);
  let unit = 0;
  // 999.5 would round to "1000": step up to the next unit before that happens
  while (value >= 999.5 && unit < SIZE_UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || Number.isInteger(value) || value >= 100 ? 0 : 1;
  return `${value.toFixed(digits)} ${SIZE_UNITS[unit]}`;
}

/** A duration given in seconds: 340 µs, 12 ms, 3.4 s, 2 min 5 s, 1 h 4 min. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) {
    return '–';
  }
  if (seconds < 0.001) {
    return `${Math.round(seconds * 1e6)} µs`;
  }
  if (seconds < 1) {
    const milliseconds = seconds * 1000;
    return `${milliseconds < 10 ? milliseconds.toFixed(1) : Math.round(milliseconds)} ms`;
  }
  if (seconds < 60) {
    return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  }
  const whole = Math.round(seconds);
  return whole < 3600
    ? `${Math.floor(whole / 60)} min ${whole % 60} s`
    : `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** Cuts text to `length` characters with an ellipsis in its middle; a dotted name loses its beginning first. */
export function shorten(text: string, length: number): string {
  if (text.length <= length) {
    return text;
  }
  const last = text.slice(text.lastIndexOf('.') + 1);
  if (last.length > 0 && last.length <= length) {
    return last;
  }
  return middleCut(text, length - 1);
}

/** `kept` characters of a text, an ellipsis in their middle: names often differ in how they end. */
export function middleCut(text: string, kept: number): string {
  const front = Math.max(1, Math.ceil(kept / 2));
  return `${text.slice(0, front)}…${text.slice(text.length - Math.max(0, kept - front))}`;
}

/** Those parts that say something. */
export function joined(parts: readonly string[], between: string): string {
  return parts.filter(part => part !== '').join(between);
}

/** The last part of a dotted name. */
export function shortName(name: string): string {
  return name.slice(name.lastIndexOf('.', name.length - 2) + 1);
}

/** Of tasks that are counted only. */
export const UNLISTED_HELP =
  'Up to 10,000 tasks are listed, and all are counted. When the list is full, tasks that have ended leave it, the oldest first, and new ones take their places; of a flood of tasks most are only counted.';
