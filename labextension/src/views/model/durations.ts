/** How long the tasks of a function took. Pure. */

import type { Model } from './model';

/** Of the listed tasks that have ended, in seconds; `null` where there is none. */
export interface IDurations {
  /** The slowest first. */
  readonly slowest: readonly number[];
  /** Half of them took less. */
  readonly median: number | null;
}

/** How long a task ran; `null` while that is not known. */
export function durationOf({ tasks }: Pick<Model, 'tasks'>, task: number): number | null {
  const [start, end] = [tasks.start[task], tasks.end[task]];
  return start > 0 && end >= start ? end - start : null;
}

/** The tasks of a function by how long they took. */
export function durationsOf(model: Model, func: number): IDurations {
  const ended = (model.members[func] ?? []).filter(task => durationOf(model, task) !== null);
  const slowest = ended.sort((a, b) => durationOf(model, b)! - durationOf(model, a)!);
  const middle = slowest[Math.floor((slowest.length - 1) / 2)];
  return { slowest, median: middle === undefined ? null : durationOf(model, middle) };
}
