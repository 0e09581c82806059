/**
 * The timeline without its picture: a row for every worker that has run something, its spans in lanes.
 *
 * A span is a task that has started; while it runs it ends now. Spans of one worker overlap where an actor runs
 * several calls at a time: each then takes the first lane that is free.
 */

import type { IAttempt } from './attempts';
import { formatDuration } from '../ui/format';
import type { Model } from './model';
import { TASK_STATES, TaskState } from './states';
import type { IWorkSpan } from './work-spans';
import { spansByProcess } from './work-spans';

/** Lanes of one row; what runs beside so many others is drawn upon the last one. */
const LANES_MAX = 8;
/** What follows after a longer rest, in seconds, is another burst of work. */
const REST_S = 5;

export interface ITimelineRow {
  /** Its number; -1 in the row of a node's own process, which has no tasks. */
  readonly worker: number;
  /** Id of the process. */
  readonly process: string;
  readonly label: string;
  /** Tasks by start. */
  readonly tasks: readonly number[];
  /** For each of `tasks`, its lane. */
  readonly lanes: readonly number[];
  readonly laneCount: number;
  /** What took the process's time besides, by start. */
  readonly work: readonly IWorkSpan[];
  /** Attempts at tasks that others have followed, here or elsewhere. */
  readonly past: readonly IAttempt[];
}

/** Rows of the workers of one node; `label` is "" where there is one node only. */
export interface ITimelineGroup {
  readonly node: string;
  readonly label: string;
  readonly rows: readonly ITimelineRow[];
}

export interface ITimeline {
  readonly groups: readonly ITimelineGroup[];
  readonly spans: number;
  readonly running: number;
  /** Start of the first span, unix seconds; 0 without spans. */
  readonly first: number;
  /** End of the last span that has ended. */
  readonly last: number;
  /** Start of the latest burst of work. */
  readonly burst: number;
  /** When spans start and end, each in ascending order; what runs never ends. */
  readonly starts: Float64Array;
  readonly ends: Float64Array;
}

/** Of a session in which nothing has run. */
export const NO_TIMELINE: ITimeline = {
  groups: [],
  spans: 0,
  running: 0,
  first: 0,
  last: 0,
  burst: 0,
  starts: new Float64Array(),
  ends: new Float64Array()
};

/** All spans of a model. */
export function readTimeline(model: Model): ITimeline {
  const { tasks } = model;
  const byWorker: number[][] = model.workers.map(() => []);
  let [spans, running, first, last] = [0, 0, Infinity, 0];
  for (let task = 0; task < tasks.length; task++) {
    const worker = tasks.worker[task];
    if (tasks.start[task] > 0 && worker >= 0 && worker < byWorker.length) {
      byWorker[worker].push(task);
      spans += 1;
      running += isRunning(model, task) ? 1 : 0;
      first = Math.min(first, tasks.start[task]);
      last = Math.max(last, tasks.end[task], tasks.start[task]);
    }
  }
  const work = spansByProcess(model);
  const past: IAttempt[][] = model.workers.map(() => []);
  for (const attempt of [...model.attempts.values()].flat()) {
    past[attempt.worker]?.push(attempt);
    first = Math.min(first, attempt.start);
  }
  const rows = byWorker
    .map((found, worker) => rowOf(model, worker, found, work.get(model.workers[worker].id) ?? [], past[worker]))
    .filter((row): row is ITimelineRow => row !== null);
  const groups = groupRows(model, rows, work);
  const [starts, ends] = sortedTimes(model, rows, spans);
  const burst = burstOf(starts, ends);
  return { groups, spans, running, first: spans > 0 ? first : 0, last, burst, starts, ends };
}

/** Whether a task's span is still growing. */
export function isRunning(model: Model, task: number): boolean {
  return model.tasks.state[task] === TaskState.running;
}

/** End of a task's span; `now` if it runs. */
export function endOf(model: Model, task: number, now: number): number {
  const { tasks } = model;
  return isRunning(model, task) ? Math.max(now, tasks.start[task]) : Math.max(tasks.end[task], tasks.start[task]);
}

/** The task of a row whose span is at a time, or within `slack` seconds of it; -1 if there is none. */
export function taskAt(
  model: Model,
  row: ITimelineRow,
  lane: number,
  time: number,
  slack: number,
  now: number
): number {
  let [best, distance] = [-1, slack];
  row.tasks.forEach((task, i) => {
    if (row.lanes[i] !== lane) {
      return;
    }
    const away = Math.max(model.tasks.start[task] - time, time - endOf(model, task, now), 0);
    if (away < distance || (away === 0 && best < 0)) {
      [best, distance] = [task, away];
    }
  });
  return best;
}

/** "load #3 · done · 1.2 s". */
export function describeSpan(model: Model, task: number, now: number): string {
  const { tasks } = model;
  const took = formatDuration(endOf(model, task, now) - tasks.start[task]);
  return `${model.titleOf(task)} · ${TASK_STATES[tasks.state[task]]} · ${took}`;
}

/** "timeline: 3 workers, 24 spans, 2 running". */
export function describeTimeline(timeline: ITimeline): string {
  const workers = timeline.groups.reduce((sum, group) => sum + group.rows.filter(row => row.worker >= 0).length, 0);
  const named = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;
  return `timeline: ${named(workers, 'worker')}, ${named(timeline.spans, 'span')}, ${timeline.running} running`;
}

function rowOf(
  model: Model,
  worker: number,
  found: number[],
  work: readonly IWorkSpan[],
  past: readonly IAttempt[]
): ITimelineRow | null {
  if (found.length === 0 && past.length === 0) {
    return null;
  }
  const { start } = model.tasks;
  found.sort((a, b) => start[a] - start[b] || a - b);
  const ends: number[] = [];
  const lanes = found.map(task => {
    const free = ends.findIndex(end => end <= start[task] + 1e-6);
    const lane = free >= 0 ? free : Math.min(ends.length, LANES_MAX - 1);
    ends[lane] = Math.max(ends[lane] ?? 0, endOf(model, task, Infinity));
    return lane;
  });
  const { id, label } = model.workers[worker];
  return { worker, process: id, label, tasks: found, lanes, laneCount: Math.max(1, ends.length), work, past };
}

function groupRows(
  model: Model,
  rows: readonly ITimelineRow[],
  work: ReadonlyMap<string, IWorkSpan[]>
): ITimelineGroup[] {
  const groups = new Map<string, ITimelineRow[]>();
  for (const [id, node] of model.nodes) {
    const own = node.process ? work.get(node.process) : undefined;
    if (own) {
      const row = { worker: -1, process: node.process!, label: 'node copies, disk', tasks: [], lanes: [], past: [] };
      groups.set(id, [{ ...row, laneCount: 1, work: own }]);
    }
  }
  for (const row of rows) {
    const node = model.nodeOf(model.workers[row.worker]);
    groups.set(node, [...(groups.get(node) ?? []), row]);
  }
  const several = model.nodes.size > 1;
  return [...groups].map(([node, own]) => {
    const known = model.nodes.get(node);
    return { node, label: several ? (known?.label ?? 'another node') : '', rows: own };
  });
}

/** When spans start, and when they end. */
function sortedTimes(
  model: Model,
  rows: readonly ITimelineRow[],
  count: number
): [starts: Float64Array, ends: Float64Array] {
  const starts = new Float64Array(count);
  const ends = new Float64Array(count);
  let filled = 0;
  for (const { tasks } of rows) {
    for (const task of tasks) {
      starts[filled] = model.tasks.start[task];
      ends[filled++] = endOf(model, task, Infinity);
    }
  }
  return [starts.sort(), ends.sort()];
}

/** Where the latest work began that has gone on ever since without a long rest. */
function burstOf(starts: Float64Array, ends: Float64Array): number {
  // before the nth start there was a rest if as many spans had ended by then, long ago
  let n = starts.length - 1;
  while (n > 0 && ends[n - 1] + REST_S >= starts[n]) {
    n -= 1;
  }
  return starts[Math.max(0, n)] ?? 0;
}
