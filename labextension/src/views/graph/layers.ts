/**
 * In which layer of the picture a task stands: one to the right of the deepest thing it comes from.
 *
 * What a task comes from is known when it is listed: its arguments and the task that submitted it. Its layer
 * is therefore found once, in time proportional to its dependencies, and never changes: nothing jumps.
 */

import type { Model } from '../model/model';
import type { TaskTable } from '../model/tasks';

/** Layers of all listed tasks, kept up to date by {@link Layers.sync}. */
export class Layers {
  /** Number of tasks in the fullest layer. */
  widest = 0;
  /** Number of tasks placed. */
  length = 0;

  /** Places newly listed tasks (a snapshot may list them once more, part by part); starts over when task numbers have lost their meaning. */
  sync(model: Model): void {
    if (model.epoch !== this._epoch) {
      this._epoch = model.epoch;
      this.length = 0;
      this.widest = 0;
      this._layer = [];
      this._widths = [];
    }
    const { tasks } = model;
    for (; this.length < tasks.length; this.length++) {
      const layer = this._place(tasks, this.length);
      this._layer.push(layer);
      this._widths[layer] = (this._widths[layer] ?? 0) + 1;
      this.widest = Math.max(this.widest, this._widths[layer]);
    }
  }

  /** The layer of a task. */
  of(task: number): number {
    return this._layer[task];
  }

  private _place(tasks: TaskTable, task: number): number {
    const parent = tasks.parent[task];
    let layer = parent >= 0 && parent < task ? this._layer[parent] + 1 : 0;
    for (const dep of tasks.depsOf(task)) {
      if (dep >= 0 && dep < task) {
        layer = Math.max(layer, this._layer[dep] + 1);
      }
    }
    return layer;
  }

  private _epoch = -1;
  private _layer: number[] = [];
  private _widths: number[] = [];
}

/**
 * The tasks around one: what it comes from and what comes from it, `levels` up and down, `limit` at most, in
 * order of their numbers. Nearer tasks come first when there is no room for all.
 */
export function neighbourhood(tasks: TaskTable, centre: number, levels: number, limit: number): number[] {
  const dependents = dependentsIndex(tasks);
  const found = new Set([centre]);
  const walk = (next: (task: number) => Iterable<number>): void => {
    let frontier = [centre];
    for (let level = 0; level < levels; level++) {
      const reached: number[] = [];
      for (const task of frontier) {
        for (const other of next(task)) {
          if (!found.has(other) && found.size < limit) {
            found.add(other);
            reached.push(other);
          }
        }
      }
      frontier = reached;
    }
  };
  walk(task => sourcesOf(tasks, task));
  walk(task => dependents.get(task) ?? []);
  return [...found].sort((a, b) => a - b);
}

/** The tasks one comes from: its arguments, then the task that submitted it. */
export function sourcesOf(tasks: TaskTable, task: number): number[] {
  const sources = [...tasks.depsOf(task)].filter(dep => dep >= 0 && dep < task);
  const parent = tasks.parent[task];
  if (parent >= 0 && parent < task && !sources.includes(parent)) {
    sources.push(parent);
  }
  return sources;
}

function dependentsIndex(tasks: TaskTable): Map<number, number[]> {
  const index = new Map<number, number[]>();
  for (let task = 0; task < tasks.length; task++) {
    for (const source of sourcesOf(tasks, task)) {
      const known = index.get(source);
      if (known) {
        known.push(task);
      } else {
        index.set(source, [task]);
      }
    }
  }
  return index;
}
