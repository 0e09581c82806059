/**
 * The table of listed tasks, in typed columns that grow by doubling.
 *
 * A task's number is its place in the table and never changes its meaning within a session. The function, the
 * cell and the arguments of a task are fixed when it is listed; its state, worker and times change.
 */

import type { Column, Columns } from './wire';
import { WireError } from './wire';
import { TASK_STATES } from './states';

type Growable = Uint8Array | Uint16Array | Uint32Array | Int16Array | Int32Array | Float64Array;

const FIRST_CAPACITY = 256;

function grown<T extends Growable>(array: T, capacity: number): T {
  const larger = new (array.constructor as new (length: number) => T)(capacity);
  larger.set(array);
  return larger;
}

function column(columns: Columns, name: string, length: number): Column {
  const found = columns.get(name);
  if (!found || found.length !== length) {
    throw new WireError(`column ${name} should have ${length} elements, has ${found ? found.length : 'none'}`);
  }
  return found;
}

/** Every listed task. Read the columns directly; only the first `length` elements count. */
export class TaskTable {
  length = 0;
  /** Index of the function's name. */
  func = new Uint16Array(FIRST_CAPACITY);
  cell = new Uint16Array(FIRST_CAPACITY);
  line = new Uint32Array(FIRST_CAPACITY);
  /** The task that submitted this one, or -1. */
  parent = new Int32Array(FIRST_CAPACITY);
  /** Unix times in seconds; 0 means not yet. */
  created = new Float64Array(FIRST_CAPACITY);
  start = new Float64Array(FIRST_CAPACITY);
  end = new Float64Array(FIRST_CAPACITY);
  state = new Uint8Array(FIRST_CAPACITY);
  /** How often it has been tried before. */
  attempt = new Uint8Array(FIRST_CAPACITY);
  /** Index of the worker, or -1. */
  worker = new Int16Array(FIRST_CAPACITY);

  /** The tasks whose results this one takes, in the order of its arguments. */
  depsOf(task: number): Int32Array {
    return this._deps.subarray(this._depStart[task], this._depStart[task + 1]);
  }

  /** Number of dependencies of all listed tasks together. */
  get edges(): number {
    return this._depStart[this.length];
  }

  /** Checks the columns of newly listed tasks. Throws {@link WireError} and changes nothing if one is wrong. */
  static checkNew(columns: Columns): number {
    const count = columns.get('func')?.length ?? 0;
    if (count === 0) {
      return 0;
    }
    for (const name of ['cell', 'line', 'parent', 'created']) {
      column(columns, name, count);
    }
    let edges = 0;
    for (const n of column(columns, 'ndeps', count)) {
      edges += n;
    }
    column(columns, 'deps', edges);
    return count;
  }

  /** Checks the columns of changed tasks, of which `length` are listed by then. Throws {@link WireError}. */
  static checkChanged(columns: Columns, length: number): void {
    const ids = columns.get('id');
    const count = ids?.length ?? 0;
    if (!ids || count === 0) {
      return;
    }
    for (const name of ['state', 'worker', 'start', 'end']) {
      column(columns, name, count);
    }
    if (columns.has('attempt')) {
      column(columns, 'attempt', count);
    }
    for (let i = 0; i < count; i++) {
      if (ids[i] < 0 || ids[i] >= length) {
        throw new WireError(`task ${ids[i]} changed before it was listed`);
      }
    }
    for (const state of column(columns, 'state', count)) {
      if (state >= TASK_STATES.length) {
        throw new WireError(`a task has the unknown state ${state}`);
      }
    }
  }

  /** Appends tasks, all waiting. The columns have been checked by {@link TaskTable.checkNew}. */
  append(columns: Columns): void {
    const count = TaskTable.checkNew(columns);
    if (count === 0) {
      return;
    }
    const first = this.length;
    this._reserve(first + count);
    this.func.set(columns.get('func')!, first);
    this.cell.set(columns.get('cell')!, first);
    this.line.set(columns.get('line')!, first);
    this.parent.set(columns.get('parent')!, first);
    this.created.set(columns.get('created')!, first);
    this.worker.fill(-1, first, first + count);
    const ndeps = columns.get('ndeps')!;
    const deps = columns.get('deps')!;
    let end = this._depStart[first];
    if (end + deps.length > this._deps.length) {
      this._deps = grown(this._deps, Math.max(end + deps.length, this._deps.length * 2));
    }
    this._deps.set(deps, end);
    for (let i = 0; i < count; i++) {
      end += ndeps[i];
      this._depStart[first + i + 1] = end;
    }
    this.length = first + count;
  }

  /** This table with other columns; the others are shared, and grow with it. */
  with(own: Partial<Pick<TaskTable, 'length' | 'state' | 'worker' | 'start' | 'end' | 'attempt'>>): TaskTable {
    return Object.assign(Object.create(this) as TaskTable, own);
  }

  private _reserve(length: number): void {
    if (length <= this.func.length) {
      return;
    }
    let capacity = this.func.length;
    while (capacity < length) {
      capacity *= 2;
    }
    this.func = grown(this.func, capacity);
    this.cell = grown(this.cell, capacity);
    this.line = grown(this.line, capacity);
    this.parent = grown(this.parent, capacity);
    this.created = grown(this.created, capacity);
    this.start = grown(this.start, capacity);
    this.end = grown(this.end, capacity);
    this.state = grown(this.state, capacity);
    this.attempt = grown(this.attempt, capacity);
    this.worker = grown(this.worker, capacity);
    this._depStart = grown(this._depStart, capacity + 1);
  }

  private _deps = new Int32Array(FIRST_CAPACITY);
  private _depStart = new Uint32Array(FIRST_CAPACITY + 1);
}
