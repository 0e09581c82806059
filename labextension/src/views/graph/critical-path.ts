/**
 * The critical path: the chain of tasks, each waiting for the result of the one before, that has run longest in all.
 *
 * Whatever is done to tasks outside of it, the whole can not be done sooner. Tasks count with the time that they have
 * run; a running one with that until now. Pure.
 */

import type { Model } from '../model/model';
import { endOf } from '../model/spans';

export interface ICriticalPath {
  /** From the first to the last. */
  readonly tasks: readonly number[];
  /** How long they have run, one after the other. */
  readonly seconds: number;
  /** How long all took, from the start of the first task to the end of the last. */
  readonly whole: number;
}

/** The path among all listed tasks. Of equally long ones that which ends first in the list. */
export function criticalPath(model: Model, now: number): ICriticalPath {
  const { tasks } = model;
  const total = new Float64Array(tasks.length);
  const before = new Int32Array(tasks.length).fill(-1);
  let [last, first, until] = [-1, Infinity, 0];
  for (let task = 0; task < tasks.length; task++) {
    let longest = 0;
    for (const dep of tasks.depsOf(task)) {
      if (dep >= 0 && dep < task && total[dep] > longest) {
        longest = total[dep];
        before[task] = dep;
      }
    }
    const start = tasks.start[task];
    const end = start > 0 ? endOf(model, task, now) : 0;
    total[task] = longest + Math.max(0, end - start);
    if (start > 0) {
      first = Math.min(first, start);
      until = Math.max(until, end);
    }
    if (total[task] > 0 && (last < 0 || total[task] > total[last])) {
      last = task;
    }
  }
  const path: number[] = [];
  for (let task = last; task >= 0; task = before[task]) {
    path.push(task);
  }
  return { tasks: path.reverse(), seconds: last >= 0 ? total[last] : 0, whole: Math.max(0, until - first) };
}

/** The pairs of tasks that follow each other on the path: "12/15". */
export function pathEdges(path: ICriticalPath): ReadonlySet<string> {
  return new Set(path.tasks.slice(1).map((task, i) => `${path.tasks[i]}/${task}`));
}
