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

  /** Counts the dependencies of newly listed tasks, between those that pass; what has left the list stays counted. */
  sync(model: Model, filter: Filter): void {
    const key = `${model.session}/${filter.key}`;
    const { tasks } = model;
    const last = tasks.length > 0 ? tasks.number[tasks.length - 1] : -1;
    if (key !== this._key || (model.past && last < this._last)) {
      this._key = key;
      this._restart();
    }
    for (let task = tasks.placeAfter(this._last); task < tasks.length; task++) {
      if (filter.active && !filter.shows(model, task)) {
        continue;
      }
      const to = tasks.func[task];
      const counts = (from: number): boolean =>
        from >= 0 && from < task && (!filter.active || filter.shows(model, from));
      for (const dep of tasks.depsOf(task)) {
        if (counts(dep)) {
          this._add(this._data, tasks.func[dep], to, false);
        }
      }
      const parent = tasks.parent[task];
      if (counts(parent)) {
        this._add(this._calls, tasks.func[parent], to, true);
      }
    }
    this._last = Math.max(this._last, last);
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
    this._last = -1;
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
  /** The number of the last task that is counted. */
  private _last = -1;
  private _data = new Map<number, IFlow>();
  private _calls = new Map<number, IFlow>();
}

function keyOf(from: number, to: number): number {
  return from * 65536 + to;
}
