/**
 * Tasks that have left the list: of them it stays known how many there were when, by function and state. Pure.
 *
 * It is bounded: when too much is known, what happened within a short time is taken for one thing, and the more
 * there is the longer that time becomes.
 */

import type { Attempts } from './attempts';
import { TASK_STATES, TaskState } from './states';
import type { TaskTable } from './tasks';
import type { Interval } from './time-scale';
import { merged } from './time-scale';

/** Changes kept at most: some 1 MB. */
const CHANGES_MAX = 20_000;

/** The first time within which things are taken for one, in seconds. */
const FINEST_S = 0.001;

/** In place of the state of a task that is not counted. */
const NOBODY = -1;

/** From `time` on there are `more` tasks of a function in a state. */
interface IChange {
  time: number;
  readonly key: number;
  more: number;
}

/** How many of the tasks that have left a list there were, at any time. */
export class Departed {
  constructor(private readonly _changesMax = CHANGES_MAX) {}

  /** So many changes are kept. */
  get size(): number {
    return this._changes.length;
  }

  /** Takes in tasks that leave a list now. Of one that had not ended, as far as is known, nothing is known from now on. */
  add(tasks: TaskTable, attempts: Attempts, leaving: Iterable<number>, now: number): void {
    const found: IChange[] = [];
    const busy: Interval[] = [];
    for (const task of leaving) {
      const func = tasks.func[task];
      let last: number = NOBODY;
      for (const [time, state] of stepsOf(tasks, attempts, task, now)) {
        if (state === last) {
          continue;
        }
        for (const [each, more] of [
          [last, -1],
          [state, 1]
        ] as const) {
          if (each !== NOBODY) {
            found.push({ time, key: keyOf(func, each), more });
          }
        }
        last = state;
      }
      busy.push([tasks.created[task], Math.max(tasks.end[task] || now, tasks.created[task])]);
    }
    this._changes = [...this._changes, ...found].sort((a, b) => a.time - b.time);
    this._busy = merged([...this._busy, ...busy]);
    let within = FINEST_S;
    while (this._changes.length > this._changesMax) {
      this._changes = coarser(this._changes, within);
      this._busy = joined(this._busy, within);
      within *= 2;
    }
  }

  /** By function, how many were in which state at a time. */
  addTo(counts: number[][], time: number): void {
    for (const change of this._changes) {
      if (change.time > time) {
        break;
      }
      const func = Math.floor(change.key / TASK_STATES.length);
      if (counts[func]) {
        counts[func][change.key % TASK_STATES.length] += change.more;
      }
    }
  }

  /** When at least one of them waited or ran. */
  busy(): readonly Interval[] {
    return this._busy;
  }

  private _changes: IChange[] = [];
  private _busy: Interval[] = [];
}

function keyOf(func: number, state: number): number {
  return func * TASK_STATES.length + state;
}

/** From when on a task was in which state, ascending. */
function stepsOf(tasks: TaskTable, attempts: Attempts, task: number, now: number): [number, number][] {
  const { created, start, end, state } = tasks;
  const there = Math.max(created[task], ...[...tasks.depsOf(task)].map(dep => resultAt(tasks, attempts, dep)));
  const steps: [number, number][] = [[created[task], there > created[task] ? TaskState.waiting : TaskState.ready]];
  const put = (time: number, next: number): void => {
    steps.push([Math.max(time, steps[steps.length - 1][0]), next]);
  };
  const tried = attempts.get(task) ?? [];
  const begun = tried[0]?.start ?? start[task];
  if (there > created[task] && there < (begun || end[task] || Infinity)) {
    put(there, TaskState.ready);
  }
  for (const past of tried) {
    put(past.start, TaskState.running);
    put(past.end, past.state === TaskState.done ? TaskState.done : TaskState.ready);
  }
  if (start[task] > 0) {
    put(start[task], TaskState.running);
  }
  const ended = state[task] >= TaskState.done;
  put((ended && end[task]) || now, ended ? state[task] : NOBODY);
  return steps;
}

/** When the result of a task was there for the first time: long since if the task is not listed. */
function resultAt(tasks: TaskTable, attempts: Attempts, task: number): number {
  if (task < 0) {
    return 0;
  }
  const first = attempts.get(task)?.find(past => past.state === TaskState.done);
  const ended = tasks.state[task] >= TaskState.done && tasks.end[task] > 0;
  return first?.end ?? (ended ? tasks.end[task] : Infinity);
}

/** What happened within a time is one: it has happened when the last of it had. */
function coarser(changes: readonly IChange[], within: number): IChange[] {
  const found: IChange[] = [];
  let cell = new Map<number, IChange>();
  let from = -Infinity;
  const close = (time: number): void => {
    cell.forEach(change => change.more !== 0 && found.push({ ...change, time }));
    cell = new Map();
  };
  let last = 0;
  for (const { time, key, more } of changes) {
    if (time > from + within) {
      close(last);
      from = time;
    }
    const known = cell.get(key);
    if (known) {
      known.more += more;
    } else {
      cell.set(key, { time, key, more });
    }
    last = time;
  }
  close(last);
  return found;
}

function joined(intervals: readonly Interval[], within: number): Interval[] {
  const wider = merged(intervals.map(([from, to]) => [from, to + within] as const));
  return wider.map(([from, to]) => [from, to - within] as const);
}
