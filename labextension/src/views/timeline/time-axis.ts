/** The axis of the timeline: where its marks stand, and what they say. */

/** Distance between two marks is at least this many pixels. */
const MARK_EVERY_PX = 70;

const STEPS = [1, 2, 5];
/** Beyond a minute people count in these, in seconds. */
const LONG_STEPS = [10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400];

export interface IMark {
  /** Seconds, on the scale of the axis. */
  readonly at: number;
  readonly text: string;
}

/** Marks between two times in seconds, counted from `zero`, for an axis `width` pixels long. */
export function marks(from: number, to: number, zero: number, width: number): IMark[] {
  const step = stepFor((to - from) / Math.max(1, width / MARK_EVERY_PX));
  const found: IMark[] = [];
  for (let i = Math.ceil((from - zero) / step); i * step <= to - zero + step * 1e-6; i++) {
    found.push({ at: zero + i * step, text: words(i * step, step) });
  }
  return found;
}

/** The smallest round step of at least `least` seconds. */
export function stepFor(least: number): number {
  if (least > 5) {
    return LONG_STEPS.find(step => step >= least) ?? LONG_STEPS[LONG_STEPS.length - 1];
  }
  let power = 1e-6;
  for (;;) {
    for (const step of STEPS) {
      if (step * power >= least) {
        return step * power;
      }
    }
    power *= 10;
  }
}

/** A time in the precision of its step: "1.50 s", "250 ms", "2:30 min", "1:05:00 h". */
function words(seconds: number, step: number): string {
  const sign = seconds < 0 ? '−' : '';
  const value = Math.abs(seconds);
  if (value < 1e-9) {
    return '0 s';
  }
  if (step < 1e-3) {
    return `${sign}${(value * 1e3).toFixed(step < 1e-5 ? 3 : step < 1e-4 ? 2 : 1)} ms`;
  }
  if (value < 1 && step < 0.1) {
    return `${sign}${Math.round(value * 1e3)} ms`;
  }
  if (value < 60 || step < 1) {
    return `${sign}${value.toFixed(Math.max(0, Math.ceil(-Math.log10(step) - 1e-9)))} s`;
  }
  const whole = Math.round(value);
  const two = (part: number): string => String(part).padStart(2, '0');
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours > 0 ? `${sign}${hours}:${two(minutes)}:${two(rest)} h` : `${sign}${minutes}:${two(rest)} min`;
}
