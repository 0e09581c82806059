/** Which function's results go to which, how often; and which function submits which. */

import type { Filter } from '../model/filter';
import type { Model } from '../model/model';

export interface IFlow {
  readonly from: number;
  readonly to: number;
  /** Number of results handed over, or of tasks submitted. */
  count: number;
  /** Only submission, no data. */
  readonly call: boolean;
}

/** Flows between functions, kept up to date by {@link Flows.sync}. */
export class Flows {
  /** Grows when a flow appears. */
  version = 0;

  /** Counts the dependencies of newly listed tasks, between those that pass. */
  sync(model: Model, filter: Filter): void {
    const key = `${model.epoch}/${filter.key}`;
    if (key !== this._key) {
      this._key = key;
      this._restart();
    }
    const { tasks } = model;
    if (model.past && tasks.length < this._length) {
      this._restart();
    }
    for (; this._length < tasks.length; this._length++) {
      if (filter.active && !filter.shows(model, this._length)) {
        continue;
      }
      const to = tasks.func[this._length];
      const counts = (task: number): boolean =>
        task >= 0 && task < this._length && (!filter.active || filter.shows(model, task));
      for (const dep of tasks.depsOf(this._length)) {
        if (counts(dep)) {
          this._add(this._data, tasks.func[dep], to, false);
        }
      }
      const parent = tasks.parent[this._length];
      if (counts(parent)) {
        this._add(this._calls, tasks.func[parent], to, true);
      }
    }
  }

  /** Flows between two different functions; data hides submission. */
  between(): IFlow[] {
    const flows = [...this._data.values()].filter(flow => flow.from !== flow.to);
    for (const [key, flow] of this._calls) {
      if (flow.from !== flow.to && !this._data.has(key)) {
        flows.push(flow);
      }
    }
    return flows;
  }

  /** What goes from a function's tasks to others of the same function: results, or only calls. */
  within(func: number): IFlow | undefined {
    const key = keyOf(func, func);
    return this._data.get(key) ?? this._calls.get(key);
  }

  private _restart(): void {
    this._length = 0;
    this._data = new Map();
    this._calls = new Map();
    this.version += 1;
  }

  private _add(flows: Map<number, IFlow>, from: number, to: number, call: boolean): void {
    const key = keyOf(from, to);
    const known = flows.get(key);
    if (known) {
      known.count += 1;
    } else {
      flows.set(key, { from, to, count: 1, call });
      this.version += 1;
    }
  }

  private _key = '';
  private _length = 0;
  private _data = new Map<number, IFlow>();
  private _calls = new Map<number, IFlow>();
}

function keyOf(from: number, to: number): number {
  return from * 65536 + to;
}
