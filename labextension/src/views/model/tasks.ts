/**
 * The table of listed tasks, in typed columns that grow by doubling.
 *
 * Views know a task by its place in the table. Its number, which never changes and is never given to another one, is what
 * people read and the kernel is told; the places are in the order of the numbers. When tasks leave the list another table
 * is made, in which the others have other places. The function, the cell and the arguments of a task are fixed when it is
 * listed; its state, worker and times change.
 */

import type { Column, Columns } from './wire';
import { WireError } from './wire';
import { TASK_STATES } from './states';

type Growable = Uint8Array | Uint16Array | Uint32Array | Int16Array | Int32Array | Float64Array;

const FIRST_CAPACITY = 256;

const PLAIN_COLUMNS = [
  'number',
  'func',
  'cell',
  'line',
  'created',
  'start',
  'end',
  'state',
  'attempt',
  'worker'
] as const;

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
  /** The highest number that a task has got. */
  latest = -1;
  /** By which the kernel and people call it; ascending. */
  number = new Int32Array(FIRST_CAPACITY);
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

  /** The tasks whose results this one takes, in the order of its arguments; -1 for one that is no longer listed. */
  depsOf(task: number): Int32Array {
    return this._deps.subarray(this._depStart[task], this._depStart[task + 1]);
  }

  /** Number of dependencies of all listed tasks together. */
  get edges(): number {
    return this._depStart[this.length];
  }

  /** Whether every task that was listed still is: then its place is its number. */
  get isWhole(): boolean {
    return this.latest + 1 === this.length;
  }

  /** Whether there is a task at a place. */
  has(task: number): boolean {
    return task >= 0 && task < this.length;
  }

  /** The place of the task with a number; -1 if it is not listed. */
  find(number: number): number {
    const place = this.isWhole ? number : this.placeAfter(number - 1);
    return place >= 0 && place < this.length && this.number[place] === number ? place : -1;
  }

  /** The first place whose task has a higher number; `length` if there is none. */
  placeAfter(number: number): number {
    let [low, high] = [0, this.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.number[middle] <= number) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  /** Checks the columns of newly listed tasks. Throws {@link WireError} and changes nothing if one is wrong. */
  checkNew(columns: Columns): number {
    const count = columns.get('func')?.length ?? 0;
    if (count === 0) {
      return 0;
    }
    let latest = this.latest;
    for (const number of columns.has('id') ? column(columns, 'id', count) : []) {
      if (number <= latest) {
        throw new WireError(`task ${number} is listed after task ${latest}`);
      }
      latest = number;
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

  /** Checks the columns of changed tasks, when those in `added` will have been listed. Throws {@link WireError}. */
  checkChanged(columns: Columns, added: Columns): void {
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
    const addedCount = added.get('func')?.length ?? 0;
    const latest = added.get('id')?.[addedCount - 1] ?? this.latest + addedCount;
    for (let i = 0; i < count; i++) {
      if (ids[i] < 0 || ids[i] > latest) {
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
    const count = columns.get('func')?.length ?? 0;
    if (count === 0) {
      return;
    }
    const first = this.length;
    this._reserve(first + count);
    this.number.set(columns.get('id') ?? Int32Array.from({ length: count }, (_, i) => this.latest + 1 + i), first);
    this.length = first + count;
    this.latest = this.number[this.length - 1];
    this.func.set(columns.get('func')!, first);
    this.cell.set(columns.get('cell')!, first);
    this.line.set(columns.get('line')!, first);
    this.parent.set(
      Int32Array.from(columns.get('parent')!, number => this.find(number)),
      first
    );
    this.created.set(columns.get('created')!, first);
    this.worker.fill(-1, first, first + count);
    const ndeps = columns.get('ndeps')!;
    const deps = columns.get('deps')!;
    let end = this._depStart[first];
    if (end + deps.length > this._deps.length) {
      this._deps = grown(this._deps, Math.max(end + deps.length, this._deps.length * 2));
    }
    this._deps.set(this.isWhole ? deps : Int32Array.from(deps, number => this.find(number)), end);
    for (let i = 0; i < count; i++) {
      end += ndeps[i];
      this._depStart[first + i + 1] = end;
    }
  }

  /** Another table without some of the tasks; and, by place in this one, the places of all in that one, -1 for none. */
  without(leaves: (task: number) => boolean): [TaskTable, Int32Array] {
    const other = new TaskTable();
    const moved = new Int32Array(this.length).fill(-1);
    other._reserve(this.length);
    other._deps = new Int32Array(this._deps.length);
    other.latest = this.latest;
    const place = (task: number): number => (task >= 0 && task < this.length ? moved[task] : -1);
    for (let task = 0; task < this.length; task++) {
      if (leaves(task)) {
        continue;
      }
      const to = other.length++;
      moved[task] = to;
      for (const name of PLAIN_COLUMNS) {
        other[name][to] = this[name][task];
      }
      other.parent[to] = place(this.parent[task]);
      const deps = this.depsOf(task).map(place);
      other._deps.set(deps, other._depStart[to]);
      other._depStart[to + 1] = other._depStart[to] + deps.length;
    }
    return [other, moved];
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
    this.number = grown(this.number, capacity);
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
