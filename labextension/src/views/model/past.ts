/**
 * How a cluster stood at a time: a model made of the newest one, whose tasks tell when what became of them, and of
 * the journal. Pure.
 *
 * A task was listed when it was submitted, ready when its arguments were there, running from its start and ended at
 * its end. What it was before its last attempt the earlier ones tell.
 */

import type { Attempts, IAttempt } from './attempts';
import { attemptAt, attemptsUntil } from './attempts';
import type { Journal } from './journal';
import type { Model } from './model';
import { TASK_STATES, TaskState } from './states';
import type { TaskTable } from './tasks';
import { totalsAt } from './totals';

/** Versions of models of the past: none is the version of a live one, or of another past one. */
let version = 2 ** 40;

/** The model of a time. It shares with the newest one what does not change, and holds until a new session. */
export function modelAt(newest: Model, journal: Journal, time: number): Model {
  const tasks = tasksAt(newest.tasks, time, newest.attempts);
  const attempts = attemptsUntil(newest.attempts, time);
  const members = newest.members.map(all => all.slice(0, countBelow(all, tasks.length)));
  const listedCounts = countsOf(newest, tasks);
  const moment = journal.at(time);
  const errors = new Map([...newest.errors].filter(([task]) => isFailed(tasks, task)));
  const spans = newest.spans
    .filter(span => span.start <= time)
    .map(span => (span.end > time ? { ...span, end: time } : span));
  version += 1;
  const versions = { version, spansVersion: version, objectsVersion: version };
  const own = { ...moment, ...versions, tasks, members, listedCounts, errors, spans, attempts, time, past: true };
  const counts = totalsAt(newest, journal, time, then =>
    then === time ? listedCounts : countsOf(newest, tasksAt(newest.tasks, then, newest.attempts))
  );
  const histories = newest.histories.until(time);
  return newest.with({ ...own, counts, histories });
}

/** By function and state, the tasks of a table. */
function countsOf({ members }: Model, tasks: TaskTable): number[][] {
  const counts = members.map(() => TASK_STATES.map(() => 0));
  for (let task = 0; task < tasks.length; task++) {
    counts[tasks.func[task]][tasks.state[task]] += 1;
  }
  return counts;
}

function isFailed(tasks: TaskTable, task: number): boolean {
  return task < tasks.length && tasks.state[task] === TaskState.failed;
}

/** The tasks that were there at a time, in the states in which they were. */
export function tasksAt(newest: TaskTable, time: number, attempts: Attempts): TaskTable {
  const length = listedAt(newest, time);
  const state = new Uint8Array(length);
  const worker = new Int16Array(length).fill(-1);
  const start = new Float64Array(length);
  const end = new Float64Array(length);
  const attempt = new Uint8Array(length);
  const hasEnded = (task: number): boolean =>
    newest.state[task] >= TaskState.done && newest.end[task] > 0 && newest.end[task] <= time;
  const hasResult = (task: number): boolean =>
    hasEnded(task) || attempts.get(task)?.some(past => past.state === TaskState.done && past.end <= time) === true;
  for (let task = 0; task < length; task++) {
    const begun = newest.start[task] > 0 && newest.start[task] <= time;
    const past = begun || hasEnded(task) ? null : attemptAt(attempts.get(task), time);
    if (past) {
      state[task] = stateAfter(past, time);
      attempt[task] = past.number + (state[task] === TaskState.ready ? 1 : 0);
      if (state[task] !== TaskState.ready) {
        start[task] = past.start;
        end[task] = past.end <= time ? past.end : 0;
        worker[task] = past.worker;
      }
      continue;
    }
    if (begun) {
      start[task] = newest.start[task];
      attempt[task] = newest.attempt[task];
      worker[task] = newest.worker[task];
    }
    if (hasEnded(task)) {
      state[task] = newest.state[task];
      attempt[task] = newest.attempt[task];
      end[task] = newest.end[task];
      worker[task] = newest.worker[task];
    } else if (begun) {
      state[task] = TaskState.running;
    } else if (
      newest.state[task] !== TaskState.waiting &&
      newest.depsOf(task).every(dep => dep < 0 || hasResult(dep))
    ) {
      state[task] = TaskState.ready;
    }
  }
  return newest.with({ length, state, worker, start, end, attempt });
}

/** The state of a task at a time, if that attempt was the last one begun before it. */
function stateAfter(past: IAttempt, time: number): number {
  if (past.end > time) {
    return TaskState.running;
  }
  return past.state === TaskState.done ? TaskState.done : TaskState.ready;
}

/** How many tasks had been listed at a time: they are listed in the order of their submission. */
function listedAt(tasks: TaskTable, time: number): number {
  for (let task = 0; task < tasks.length; task++) {
    if (tasks.created[task] > time) {
      return task;
    }
  }
  return tasks.length;
}

/** How many of some ascending numbers are below a limit. */
function countBelow(numbers: readonly number[], limit: number): number {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle] < limit) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}
