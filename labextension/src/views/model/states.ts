/**
 * The states of tasks, objects and actors: their names, their order of gravity, their pictures.
 *
 * A state is always shown in two ways at once, by colour and by an icon, and counted in words. Icons are
 * SVG paths in a 16 x 16 box, stroked with round caps; canvas and DOM draw the same ones.
 */

import { formatCount } from '../ui/format';

/** Task states by their number on the wire. */
export const TASK_STATES = ['waiting', 'ready', 'running', 'done', 'failed', 'cancelled'] as const;

export type TaskStateName = (typeof TASK_STATES)[number];

/** Numbers of the task states on the wire. */
export const TaskState = { waiting: 0, ready: 1, running: 2, done: 3, failed: 4, cancelled: 5 } as const;

/** Of tasks that have not ended. */
export const UNFINISHED: readonly number[] = [TaskState.waiting, TaskState.ready, TaskState.running];

export const OBJECT_STATES = ['pending', 'memory', 'store', 'spilled', 'reconstructing', 'lost', 'error'] as const;

export type ObjectStateName = (typeof OBJECT_STATES)[number];

export const ACTOR_STATES = ['pending', 'alive', 'restarting', 'dead'] as const;

export type ActorStateName = (typeof ACTOR_STATES)[number];

/** What each task state means, for tooltips. */
export const TASK_STATE_MEANING: Readonly<Record<TaskStateName, string>> = {
  waiting: 'waiting for its arguments',
  ready: 'ready: queued for a free worker',
  running: 'running on a worker',
  done: 'done: its result is there',
  failed: 'raised an error',
  cancelled: 'cancelled before it was done'
};

/** What each object state means, for tooltips. */
export const OBJECT_STATE_MEANING: Readonly<Record<ObjectStateName, string>> = {
  pending: 'not made yet',
  memory: 'small: kept in the memory of its owner',
  store: 'in shared memory, read without copying',
  spilled: 'moved to disk to make room',
  reconstructing: 'lost: the task that makes it runs again',
  lost: 'no copy is left',
  error: 'the task that makes it failed'
};

/**
 * How much each task state asks for attention, by its number. A waffle cell that stands for several tasks
 * shows the gravest, so that one failure among thousands stays visible.
 */
export const TASK_GRAVITY: readonly number[] = [1, 2, 3, 0, 5, 4];

const CLOCK = 'M8 4.4V8l2.4 1.7';
const DOTS = 'M4.6 8h.01M8 8h.01M11.4 8h.01';
const CHECK = 'M4.8 8.4l2.3 2.3 4.2-4.9';
const AGAIN = 'M11.2 6.6A3.6 3.6 0 1 0 11.6 9M11.4 4.4v2.4H9';
const CROSS = 'M5.4 5.4l5.2 5.2M10.6 5.4l-5.2 5.2';

/** Icon of every state of anything. */
export const ICON_PATHS: Readonly<
  Record<TaskStateName | ObjectStateName | ActorStateName | 'late' | 'again' | 'died', string>
> = {
  waiting: DOTS,
  ready: CLOCK,
  running: 'M6.4 5v6l4.6-3z',
  done: CHECK,
  failed: CROSS,
  cancelled: 'M4.9 8h6.2',
  pending: DOTS,
  memory: 'M5.6 5.6h4.8v4.8H5.6z',
  store: 'M4.8 5.4h6.4M4.8 8h6.4M4.8 10.6h6.4',
  spilled: 'M8 4.6v6.2M5.4 8.4L8 11l2.6-2.6',
  reconstructing: AGAIN,
  lost: 'M6.2 6.3c0-2.2 3.6-2.2 3.6 0 0 1.5-1.8 1.5-1.8 3M8 11.6h.01',
  error: CROSS,
  alive: CHECK,
  restarting: AGAIN,
  dead: CROSS,
  late: CLOCK,
  again: AGAIN,
  died: 'M8 4.2v3.6M5.5 6a3.6 3.6 0 1 0 5 0'
};

/** Icons that are filled, not only stroked. */
export const FILLED_ICONS: ReadonlySet<string> = new Set(['running', 'memory']);

/**
 * The counts of the task states in words, the way screen readers and tests read a picture of tasks:
 * "task graph: 3 waiting, 0 ready, 2 running, 10 done, 0 failed, 0 cancelled".
 */
export function describeTasks(counts: readonly number[]): string {
  return 'task graph: ' + TASK_STATES.map((name, state) => `${counts[state] ?? 0} ${name}`).join(', ');
}

/** " · attempt 2" of a task that runs, or has run, again. */
export function attemptWords(attempt: number): string {
  return attempt > 0 ? ` · attempt ${attempt + 1}` : '';
}

/** The non-zero counts in words, gravest first; "" if all are zero. Leaves out `done` unless it stands alone. */
export function shortWords(counts: readonly number[]): string {
  const order = [TaskState.failed, TaskState.cancelled, TaskState.running, TaskState.ready, TaskState.waiting];
  const words = order
    .filter(state => (counts[state] ?? 0) > 0)
    .map(state => `${count(counts[state])} ${TASK_STATES[state]}`);
  if (words.length === 0 && (counts[TaskState.done] ?? 0) > 0) {
    return 'all done';
  }
  return words.join(' · ');
}

function count(value: number | undefined): string {
  return formatCount(value ?? 0);
}
