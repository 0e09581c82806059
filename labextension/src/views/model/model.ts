/**
 * The state of a cluster as the feed tells it: a snapshot, then numbered deltas.
 *
 * The model is pure: it knows neither the page nor the channel. Whoever feeds it must ask for a snapshot when
 * {@link Model.apply} answers "gap". A message is checked as a whole before anything is changed, so a bad one
 * never leaves half of itself behind.
 */

import type { Attempts } from './attempts';
import { NO_ATTEMPTS, withAttempts } from './attempts';
import type { IActorRow, ICell, IFeedHeader, INodeRow, IObjectsPart, IWorker } from './wire';
import { FREE, NO_NODE, readColumns, WireError } from './wire';
import { Departed } from './departed';
import { Histories } from './histories';
import { addTasks, changeTasks, dropTasks, knowFunction, noCounts, placedAttempts } from './listing';
import type { IObjectRow } from './object-rows';
import { bySize, changeObjects, NO_OBJECTS, totalsOf } from './object-rows';
import { TaskTable } from './tasks';
import type { IWorkSpan } from './work-spans';
import { withSpans } from './work-spans';

/**
 * What became of a message: "applied"; "ignored" (an old one); "gap" (it can not be applied: ask for a
 * snapshot, until then deltas are refused).
 */
export type ApplyResult = 'applied' | 'ignored' | 'gap';

/** Parts of a message that may change what has run where. */
const SPAN_PARTS = ['new', 'changed', 'gone', 'workers', 'nodes', 'spans', 'attempts'] as const;

/** A cluster as seen through the feed. Read the fields; change them through {@link Model.apply} alone. */
export class Model {
  /** Grows whenever anything changes. */
  version = 0;
  /** Grows when what has run where, or is told of workers and nodes, may have changed. */
  spansVersion = 0;
  /** Grows when rows of objects may have changed. */
  objectsVersion = 0;
  /** Grows when tasks get other places, or are other ones: what was derived from them must be derived anew. */
  epoch = 0;
  session = '';
  engine = '';
  /** Unix time of the last message, in seconds, by the kernel's clock. */
  time = 0;
  names: string[] = [];
  cells: ICell[] = [];
  workers: IWorker[] = [];
  tasks = new TaskTable();
  /** Per function, all its tasks by state, listed or not. */
  counts: number[][] = [];
  /** Per function, its listed tasks by state. */
  listedCounts: number[][] = [];
  /** Per function, its listed tasks. */
  members: number[][] = [];
  /** Short text of the error of failed tasks. */
  errors = new Map<number, string>();
  objects = new Map<string, IObjectRow>();
  objectTotals = NO_OBJECTS;
  actors = new Map<string, IActorRow>();
  nodes = new Map<string, INodeRow>();
  /** Why no node can be added from here; '' if one can. */
  noNode = NO_NODE;
  tempo = FREE;
  /** In a report: from each of these numbers of tasks on, which numbers are shown. */
  shown: readonly (readonly [from: number, shown: number])[] = [];
  /** Shows a time that is over: see `past.ts`. */
  past = false;
  /** What took time and is no task; the latest ones. */
  spans: readonly IWorkSpan[] = [];
  /** Those at tasks that were not the last one. */
  attempts: Attempts = NO_ATTEMPTS;
  /** How watched fields have moved; outlives snapshots of one session. */
  histories = new Histories();
  /** Of listed tasks that have left the list; outlives snapshots likewise. */
  departed = new Departed();

  /** Applies one message of the feed. */
  apply(header: IFeedHeader, buffer?: DataView): ApplyResult {
    const refused = this._refusal(header);
    if (refused) {
      return refused;
    }
    try {
      this._applyChecked(header, buffer);
    } catch (error) {
      if (!(error instanceof WireError)) {
        throw error;
      }
      this._synced = false;
      return 'gap';
    }
    return 'applied';
  }

  /** All tasks by state. */
  totals(): number[] {
    const sums = noCounts();
    for (const counts of this.counts) {
      counts.forEach((count, state) => (sums[state] += count));
    }
    return sums;
  }

  /** Number of tasks, listed or not. */
  get tasksTotal(): number {
    return this._only ?? Math.max(this._tasksTotal, this.tasks.length);
  }

  /** Number of tasks that are only counted. */
  get unlisted(): number {
    return Math.max(0, this.tasksTotal - this.tasks.length);
  }

  /** Objects that have bytes in shared memory, the largest first. */
  objectsBySize(): IObjectRow[] {
    return bySize(this.objects);
  }

  /** The name of a function. */
  nameOf(func: number): string {
    return this.names[func] ?? `function ${func}`;
  }

  /** "load #3". */
  titleOf(task: number): string {
    return `${this.nameOf(this.tasks.func[task])} #${this.shownNumber(this.tasks.number[task])}`;
  }

  /** What people read of a task's number. */
  shownNumber(number: number): number {
    let [low, high] = [0, this.shown.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.shown[middle][0] <= number) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    const [from, first] = low > 0 ? this.shown[low - 1] : [number, number];
    return number - from + first;
  }

  /**
   * This model as it would be if there were no other tasks than the listed ones that pass. Tasks keep their
   * numbers; everything but counts and members is shared, so it holds until the model changes.
   */
  only(passes: (task: number) => boolean): Model {
    const part = Object.create(this) as Model;
    part.members = this.members.map(tasks => tasks.filter(passes));
    part.listedCounts = part.counts = part.members.map(tasks => {
      const counts = noCounts();
      tasks.forEach(task => (counts[this.tasks.state[task]] += 1));
      return counts;
    });
    part._only = part.members.reduce((sum, tasks) => sum + tasks.length, 0);
    return part;
  }

  /** This model with other parts, and only the tasks that they count; the others are shared, and change with it. */
  with(own: Partial<Model> & Pick<Model, 'counts'>): Model {
    const other = Object.assign(Object.create(this) as Model, own);
    other._only = own.counts.flat().reduce((sum, count) => sum + count, 0);
    return other;
  }

  /** The id of the node on which a worker lives; "" while it is not known. */
  nodeOf(worker: IWorker): string {
    const { node: tag } = worker;
    for (const [id, node] of this.nodes) {
      if (tag && node.process?.startsWith(tag)) {
        return id;
      }
    }
    return '';
  }

  private _refusal(header: IFeedHeader): ApplyResult | null {
    if (header.kind === 'snapshot') {
      return null;
    }
    if (!this._synced) {
      return 'gap';
    }
    if (header.session !== this.session) {
      this._forget();
      this._synced = false;
      return 'gap';
    }
    if (header.seq <= this._seq) {
      return 'ignored';
    }
    if (header.seq !== this._seq + 1) {
      this._synced = false;
      return 'gap';
    }
    return null;
  }

  private _applyChecked(header: IFeedHeader, buffer: DataView | undefined): void {
    const snapshot = header.kind === 'snapshot';
    const [added, changed, gone] = readColumns([header.new, header.changed, header.gone], buffer);
    const table = snapshot ? new TaskTable() : this.tasks;
    table.checkNew(added);
    table.checkChanged(changed, added);
    if (snapshot) {
      // while all tasks are listed they come back to their places: pictures built on them stay valid
      const same = header.session === this.session;
      const epoch = same && this.tasks.isWhole ? this.epoch : this.epoch + 1;
      this.histories = same ? this.histories : new Histories();
      this.departed = same ? this.departed : new Departed();
      this._forget();
      this.epoch = epoch;
    }
    this._synced = true;
    this._seq = header.seq;
    this.session = header.session;
    this.engine = header.engine;
    this.time = header.time;
    this.names.push(...(header.names ?? []));
    this.cells.push(...(header.cells ?? []));
    this.workers.push(...(header.workers ?? []));
    if (gone.size > 0) {
      changeTasks(this, changed); // how those that leave have ended
      dropTasks(this, gone, header.time);
    }
    addTasks(this, added);
    changeTasks(this, changed);
    this._applyRows(header);
    this.version += 1;
    this.spansVersion += snapshot || SPAN_PARTS.some(part => header[part]) ? 1 : 0;
    this.objectsVersion += snapshot || header.objects?.rows?.length || header.objects?.gone?.length ? 1 : 0;
  }

  private _applyRows(header: IFeedHeader): void {
    for (const [func, ...counts] of header.groups ?? []) {
      knowFunction(this, func);
      this.counts[func] = counts;
    }
    for (const [number, text] of Object.entries(header.errors ?? {})) {
      const task = this.tasks.find(Number(number));
      if (task >= 0) {
        this.errors.set(task, text);
      }
    }
    if (header.objects) {
      this._applyObjects(header.objects);
    }
    header.actors?.forEach(row => this.actors.set(row.id, row));
    header.actors?.forEach(row => this.histories.note(row, header.time));
    header.nodes?.forEach(row => this.nodes.set(row.id, row));
    this.noNode = header.no_node ?? this.noNode;
    this.spans = withSpans(this.spans, header.spans ?? []);
    this.attempts = withAttempts(this.attempts, placedAttempts(this, header.attempts ?? []));
    if (header.tempo) {
      this.tempo = { ...FREE, ...header.tempo };
    }
    this._tasksTotal = header.limits?.tasks_total ?? this._tasksTotal;
  }

  private _applyObjects(part: IObjectsPart): void {
    changeObjects(this.objects, part);
    this.objectTotals = totalsOf(part);
  }

  private _forget(): void {
    this.epoch += 1;
    this.version += 1;
    this.spansVersion += 1;
    this.objectsVersion += 1;
    this.session = '';
    this.names = [];
    this.cells = [];
    this.workers = [];
    this.tasks = new TaskTable();
    this.counts = [];
    this.listedCounts = [];
    this.members = [];
    this.errors = new Map();
    this.objects = new Map();
    this.objectTotals = NO_OBJECTS;
    this.actors = new Map();
    this.nodes = new Map();
    this.tempo = FREE;
    this.noNode = NO_NODE;
    this.spans = [];
    this.attempts = NO_ATTEMPTS;
    this._tasksTotal = 0;
  }

  private _synced = false;
  private _seq = -1;
  private _tasksTotal = 0;
  private _only: number | null = null;
}
