/**
 * The waffle of a function: all its tasks as small cells, a cell for each or a cell for several.
 *
 * Listed tasks come first, in the order of submission; those beyond the list are known by their counts only
 * and are laid after them, the finished ones first. A cell that stands for several tasks shows the gravest of
 * their states.
 */

import type { Model } from '../model/model';
import { TASK_GRAVITY, TaskState } from '../model/states';

export interface IWaffle {
  /** State of each cell. */
  readonly cells: Uint8Array;
  /** Number of tasks a cell stands for (the last cell may stand for fewer). */
  readonly tasksPerCell: number;
  /** For each cell, whether one of its tasks was tried more than once. */
  readonly again: Uint8Array;
  /** Number of listed tasks that were. */
  readonly retried: number;
}

const UNLISTED_ORDER = [
  TaskState.done,
  TaskState.failed,
  TaskState.cancelled,
  TaskState.running,
  TaskState.ready,
  TaskState.waiting
];

/** The number of all tasks of a function. */
export function groupTotal(model: Model, func: number): number {
  const counted = model.counts[func]?.reduce((sum, count) => sum + count, 0) ?? 0;
  return Math.max(counted, model.members[func]?.length ?? 0);
}

/** The waffle of a function in at most `cellsMax` cells. */
export function waffle(model: Model, func: number, cellsMax: number): IWaffle {
  const total = groupTotal(model, func);
  const tasksPerCell = Math.max(1, Math.ceil(total / cellsMax));
  const cells = new Uint8Array(Math.ceil(total / tasksPerCell));
  const filled = new Uint8Array(cells.length);
  const again = new Uint8Array(cells.length);
  let retried = 0;
  let position = 0;
  const put = (state: number, count: number): void => {
    const last = Math.min(cells.length - 1, Math.floor((position + count - 1) / tasksPerCell));
    for (let cell = Math.floor(position / tasksPerCell); cell <= last; cell++) {
      if (!filled[cell] || TASK_GRAVITY[state] > TASK_GRAVITY[cells[cell]]) {
        cells[cell] = state;
        filled[cell] = 1;
      }
    }
    position += count;
  };
  const { state: states, attempt } = model.tasks;
  for (const task of model.members[func] ?? []) {
    if (attempt[task] > 0) {
      again[Math.floor(position / tasksPerCell)] = 1;
      retried += 1;
    }
    put(states[task], 1);
  }
  for (const state of UNLISTED_ORDER) {
    const unlisted = (model.counts[func]?.[state] ?? 0) - (model.listedCounts[func]?.[state] ?? 0);
    if (unlisted > 0) {
      put(state, unlisted);
    }
  }
  return { cells, tasksPerCell, again, retried };
}

/** The listed task a cell shows: the one in the gravest state of those it stands for; -1 if none is listed. */
export function taskOfCell(model: Model, func: number, cell: number, tasksPerCell: number): number {
  const members = model.members[func] ?? [];
  let found = -1;
  for (const task of members.slice(cell * tasksPerCell, (cell + 1) * tasksPerCell)) {
    if (found < 0 || TASK_GRAVITY[model.tasks.state[task]] > TASK_GRAVITY[model.tasks.state[found]]) {
      found = task;
    }
  }
  return found;
}
