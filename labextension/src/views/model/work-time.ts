/** How much ran, in how much time: what working side by side has gained. Pure. */

import { formatDuration } from '../ui/format';
import type { ITimeline } from './spans';

/** Times in seconds. */
export interface IWorkTime {
  /** Of all spans together. */
  readonly work: number;
  /** In which at least one of them ran. */
  readonly passed: number;
}

/** Sums up spans until `now`, where those that run end. */
export function workTime({ starts, ends }: Pick<ITimeline, 'starts' | 'ends'>, now: number): IWorkTime {
  let [work, passed, ended, since] = [0, 0, 0, 0];
  starts.forEach((start, begun) => {
    // as many have ended as have begun: nothing ran from the last end until this start
    for (; ended < begun && ends[ended] <= start; ended++) {
      if (ended + 1 === begun) {
        passed += ends[ended] - since;
        since = start;
      }
    }
    since = begun === 0 ? start : since;
    work += Math.min(ends[begun], now) - start;
  });
  const { length } = starts;
  return { work, passed: length > 0 ? passed + Math.min(ends[length - 1], now) - since : 0 };
}

/** "9.2 s of work in 2.6 s"; "" where nothing has run. */
export function workWords({ work, passed }: IWorkTime): string {
  return passed > 0 ? `${formatDuration(work)} of work in ${formatDuration(passed)}` : '';
}

/** The same for a tooltip. */
export function workHelp({ work, passed }: IWorkTime): string {
  return passed > 0
    ? `Tasks ran for ${formatDuration(work)} together, in ${formatDuration(passed)} in which at least one ran: ${(work / passed).toFixed(1)} at once on average.`
    : '';
}
