/**
 * Which tasks a model lists: some come, change, and leave the list, where the kernel has only so many rows. Pure.
 *
 * What it lists by place (its tasks by function, errors, attempts) is kept true here; pictures are made anew when
 * {@link Model.epoch} has grown.
 */

import type { Attempts } from './attempts';
import type { Model } from './model';
import { TASK_STATES } from './states';
import type { AttemptTuple, Column, Columns } from './wire';

export function noCounts(): number[] {
  return TASK_STATES.map(() => 0);
}

/** Makes room for the counts of a function. */
export function knowFunction(model: Model, func: number): void {
  while (model.members.length <= func) {
    model.members.push([]);
    model.counts.push(noCounts());
    model.listedCounts.push(noCounts());
  }
}

/** Lists tasks. */
export function addTasks(model: Model, columns: Columns): void {
  const { tasks } = model;
  const first = tasks.length;
  const whole = tasks.isWhole;
  tasks.append(columns);
  if (whole && !tasks.isWhole) {
    model.epoch += 1; // in a snapshot places may be other ones than before
  }
  for (let task = first; task < tasks.length; task++) {
    const func = tasks.func[task];
    knowFunction(model, func);
    model.members[func].push(task);
    model.listedCounts[func][0] += 1;
  }
}

/** Changes listed tasks; one that has left the list meanwhile is nobody's. */
export function changeTasks(model: Model, columns: Columns): void {
  const ids: Column | undefined = columns.get('id');
  if (!ids || ids.length === 0) {
    return;
  }
  const { tasks } = model;
  const [state, worker, start, end] = ['state', 'worker', 'start', 'end'].map(name => columns.get(name)!);
  const attempt = columns.get('attempt');
  for (let i = 0; i < ids.length; i++) {
    const task = tasks.find(ids[i]);
    if (task < 0) {
      continue;
    }
    tasks.attempt[task] = attempt?.[i] ?? 0;
    const listed = model.listedCounts[tasks.func[task]];
    listed[tasks.state[task]] -= 1;
    listed[state[i]] += 1;
    tasks.state[task] = state[i];
    tasks.worker[task] = worker[i];
    tasks.start[task] = start[i];
    tasks.end[task] = end[i];
  }
}

/** Lets tasks leave the list: the others get other places. How they were when stays known. */
export function dropTasks(model: Model, columns: Columns, now: number): void {
  const before = model.tasks;
  const leaving = new Set<number>();
  columns.get('id')?.forEach(number => leaving.add(before.find(number)));
  leaving.delete(-1);
  if (leaving.size === 0) {
    return;
  }
  for (const task of leaving) {
    model.listedCounts[before.func[task]][before.state[task]] -= 1;
  }
  model.departed.add(before, model.attempts, leaving, now);
  const [tasks, moved] = before.without(task => leaving.has(task));
  model.epoch += 1;
  model.tasks = tasks;
  model.members = model.members.map(members => members.map(task => moved[task]).filter(task => task >= 0));
  model.errors = new Map([...model.errors].map(([task, text]) => [moved[task], text] as const).filter(isListed));
  model.attempts = movedAttempts(model.attempts, moved);
}

/** What is told of attempts, by place instead of by number. */
export function placedAttempts(model: Model, told: readonly AttemptTuple[]): AttemptTuple[] {
  return told.map(([number, ...others]): AttemptTuple => [model.tasks.find(number), ...others]).filter(isListed);
}

function movedAttempts(known: Attempts, moved: Int32Array): Attempts {
  const all = [...known].map(
    ([task, own]) => [moved[task], own.map(each => ({ ...each, task: moved[task] }))] as const
  );
  return new Map(all.filter(isListed));
}

function isListed([task]: readonly [number, ...unknown[]]): boolean {
  return task >= 0;
}
