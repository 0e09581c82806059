/** Plays a cluster one event after the other, and tells of it as the kernel does. */

import assert from 'node:assert/strict';
import { Journal } from '../../labextension/src/views/model/journal';
import { Model } from '../../labextension/src/views/model/model';
import { TaskState } from '../../labextension/src/views/model/states';
import type {
  AttemptTuple,
  GroupRow,
  IActorRow,
  IFeedHeader,
  INodeRow,
  ObjectTuple
} from '../../labextension/src/views/model/wire';
import type { IChange, INewTask } from './message';
import { message } from './message';

/** Numbers that look random and are the same in each run. */
export function numbers(seed: number): (below: number) => number {
  let state = seed;
  return below => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >> 8) % below;
  };
}

/** A cluster that is played one event after the other, as its owner would tell of it. */
export class Play {
  readonly live = new Model();
  readonly journal = new Journal();
  readonly messages: [IFeedHeader, DataView][] = [];
  time = 1000;
  private _seq = -1;
  private readonly _tasks: {
    func: number;
    deps: number[];
    state: number;
    worker: number;
    start: number;
    end: number;
    attempt: number;
  }[] = [];
  private readonly _actors = new Map<string, IActorRow>();

  constructor(private readonly _draw: (below: number) => number) {
    this.tell({ names: ['f', 'g', 'h'], workers: [0, 1, 2].map(n => ({ id: `w${n}`, pid: n, label: `w ${n}` })) });
  }

  tell(header: Partial<IFeedHeader>, tasks: readonly INewTask[] = [], changes: readonly IChange[] = []): void {
    this._seq += 1;
    const kind = this._seq === 0 ? 'snapshot' : 'delta';
    const told = message({ kind, seq: this._seq, time: this.time, ...header }, tasks, changes);
    this.messages.push(told);
    assert.equal(this.live.apply(...told), 'applied');
    this.journal.note(this.live);
  }

  step(): void {
    this.time += 0.25;
    const changes: IChange[] = [];
    const added: INewTask[] = [];
    const attempts: AttemptTuple[] = [];
    const old = this._tasks.length;
    for (let i = this._draw(3); i > 0; i--) {
      const deps = old > 0 && this._draw(2) ? [old - 1 - this._draw(Math.min(old, 4))] : [];
      const func = this._draw(3);
      added.push({ func, deps, created: this.time });
      this._tasks.push({ func, deps, state: TaskState.waiting, worker: -1, start: 0, end: 0, attempt: 0 });
    }
    this._tasks.forEach((task, id) => {
      const before = task.state;
      if (task.state === TaskState.running && this._draw(5) === 0) {
        attempts.push([id, task.attempt, task.worker, task.start, this.time, TaskState.failed, 'its worker died']);
        const attempt = task.attempt + 1;
        Object.assign(task, { state: TaskState.ready, worker: -1, start: 0, end: 0, attempt });
      } else if (task.state === TaskState.running && this._draw(2)) {
        task.state = [TaskState.done, TaskState.done, TaskState.failed, TaskState.cancelled][this._draw(4)];
        task.end = this.time;
      } else if (task.state === TaskState.ready && this._draw(2)) {
        Object.assign(task, { state: TaskState.running, worker: this._draw(3), start: this.time });
      } else if (task.state === TaskState.waiting && id >= old && this._draw(12) === 0) {
        Object.assign(task, { state: TaskState.cancelled, end: this.time });
      }
      if (task.state !== before) {
        changes.push({ id, ...task });
      }
    });
    this._tasks.forEach((task, id) => {
      const there = task.deps.every(dep => this._tasks[dep].state >= TaskState.done);
      if (task.state === TaskState.waiting && there) {
        task.state = TaskState.ready;
        changes.push({ id, ...task });
      }
    });
    const rows: ObjectTuple[] = [[`o${this._draw(5)}`, 100 * this._draw(9), 'store', 'f', this._draw(3), 0, 'n']];
    const gone = [`o${5 + this._draw(3)}`];
    const groups = [0, 1, 2].map((func): GroupRow => {
      const own = this._tasks.filter(task => task.func === func);
      return [
        func,
        ...[0, 1, 2, 3, 4, 5].map(state => own.filter(task => task.state === state).length)
      ] as unknown as GroupRow;
    });
    this.tell({ ...this._others(), groups, attempts, objects: { rows, gone, ...this._totals() } }, added, changes);
  }

  private _totals(): { count: number; memory_bytes: number; store_used_bytes: number; store_capacity_bytes: number } {
    return { count: this._draw(9), memory_bytes: 1, store_used_bytes: this._draw(900), store_capacity_bytes: 1000 };
  }

  private _others(): Partial<IFeedHeader> {
    const id = `a${this._draw(2)}`;
    const actor = { id, state: ['alive', 'dead'][this._draw(2)], watched: { n: this._draw(50) } };
    this._actors.set(id, actor as unknown as IActorRow);
    const node = { id: 'n', alive: true, workers: this._draw(4) } as unknown as INodeRow;
    const tempo = this._draw(4) === 0 ? { tempo: { mode: 'paused' as const, begun: this._draw(9) } } : {};
    return { actors: [this._actors.get(id)!], nodes: [node], ...tempo };
  }
}

/** All that a view can see of a model, as one text. */
export function seen(model: Model): string {
  const { tasks } = model;
  const { state, attempt, worker, start, end } = tasks;
  const columns = [state, attempt, worker, start, end].map(column => [...column.slice(0, tasks.length)]);
  const sorted = (map: ReadonlyMap<unknown, unknown>): unknown => [...map].sort();
  return JSON.stringify([
    ...[tasks.length, tasks.edges, columns, model.members, model.listedCounts, model.totals(), model.tasksTotal],
    ...[sorted(model.objects), model.objectTotals, sorted(model.actors), sorted(model.nodes), model.tempo],
    [...model.errors]
  ]);
}
