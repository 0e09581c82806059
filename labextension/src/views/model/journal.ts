/**
 * What has changed besides tasks, and when: objects, actors, nodes, tempo, and how many tasks there were.
 *
 * Tasks tell their own times; for the rest each message of the feed is an entry. It is bounded: when there are
 * too many entries the oldest are folded into the state from which the others start. Pure.
 */

import type { Model } from './model';
import type { IObjectRow, IObjectTotals } from './object-rows';
import { NO_OBJECTS } from './object-rows';
import { UNFINISHED } from './states';
import type { Interval } from './time-scale';
import type { IActorRow, INodeRow, ITempo } from './wire';
import { FREE } from './wire';

/** Changed rows kept at most: some 10 MB. */
const CHANGES_MAX = 20_000;

/** What a message tells has happened in this time before it, in seconds. */
const TOLD_EVERY_S = 0.2;

/** What is known of a moment, besides tasks. */
export interface IMoment {
  objects: Map<string, IObjectRow>;
  objectTotals: IObjectTotals;
  actors: Map<string, IActorRow>;
  nodes: Map<string, INodeRow>;
  tempo: ITempo;
  /** By function, all its tasks by state, as they were told. */
  counts: (readonly number[])[];
}

/** How many tasks there were, as one message told. */
export interface ITold {
  readonly time: number;
  readonly counts: readonly (readonly number[])[];
}

type Rows<Row> = readonly (readonly [id: string, row: Row | null])[];

/** The rows that one message has changed; `null` in place of a row that is gone. */
export interface IEntryRows {
  readonly time: number;
  readonly objects: Rows<IObjectRow>;
  readonly actors: Rows<IActorRow>;
  readonly nodes: Rows<INodeRow>;
}

type Counts = readonly (readonly [func: number, counts: readonly number[]])[];

/** What one message has changed. */
interface IEntry extends IEntryRows {
  readonly objectTotals: IObjectTotals;
  readonly tempo: ITempo;
  /** Of the functions whose counts have changed. */
  readonly counts: Counts;
  /** Whether there were tasks that were not listed. */
  readonly partial: boolean;
  /** Until then messages have told nothing else. */
  until: number;
  readonly size: number;
}

function nothing(): IMoment {
  return {
    objects: new Map(),
    objectTotals: NO_OBJECTS,
    actors: new Map(),
    nodes: new Map(),
    tempo: FREE,
    counts: []
  };
}

/** The changes of one session. */
export class Journal {
  /** From which time on it is whole, unix seconds; Infinity while there is nothing in it. */
  since = Infinity;

  constructor(private readonly _changesMax = CHANGES_MAX) {}

  /** Notes how a model differs from what was noted last. */
  note(model: Model): void {
    if (model.session !== this._session) {
      this._forget(model.session);
    }
    const { _last: last } = this;
    const entry = {
      time: model.time,
      objects: changes(last.objects, model.objects, sameObject),
      actors: changes(last.actors, model.actors, Object.is),
      nodes: changes(last.nodes, model.nodes, Object.is),
      objectTotals: model.objectTotals,
      tempo: model.tempo,
      counts: otherCounts(last.counts, model.counts),
      partial: model.unlisted > 0,
      until: model.time
    };
    const size = entry.objects.length + entry.actors.length + entry.nodes.length;
    const quiet = size === 0 && entry.objectTotals === last.objectTotals && entry.tempo === last.tempo;
    if (quiet && entry.counts.length === 0 && this._entries.length > 0) {
      this._entries[this._entries.length - 1].until = model.time;
      return;
    }
    const whole = { ...entry, size: size + 1 + entry.counts.length };
    apply(last, whole);
    this._entries.push(whole);
    this._size += whole.size;
    this.since = Math.min(this.since, model.time);
    if (this._size > this._changesMax) {
      this._fold();
    }
  }

  /** What was told of tasks last at a time, and next after it; `null` where nothing was, or is known any more. */
  toldAround(time: number): readonly [ITold | null, ITold | null] {
    const counts = [...this._base.counts];
    if (time < this._baseTime) {
      return [null, { time: this._baseTime, counts }];
    }
    let told = this._baseTime;
    for (const entry of this._entries) {
      const before = entry.time > time && told > 0 ? { time: told, counts: [...counts] } : null;
      putCounts(counts, entry.counts);
      if (entry.time > time) {
        return [before, { time: entry.time, counts }];
      }
      told = Math.min(entry.until, time);
    }
    return [told > 0 ? { time: told, counts } : null, null];
  }

  /** When tasks waited or ran while some were not listed, in ascending order, as far as it was told. */
  busy(now: number): Interval[] {
    const found: [number, number][] = [];
    const counts = [...this._base.counts];
    let open = this._basePartial && isBusy(counts);
    if (open) {
      found.push([this._baseTime, this._baseTime]);
    }
    for (const { time, counts: changed, partial } of this._entries) {
      putCounts(counts, changed);
      if (open) {
        found[found.length - 1][1] = time;
      } else if (partial && changed.length > 0) {
        found.push([time - TOLD_EVERY_S, time]);
      }
      open = partial && found.length > 0 && isBusy(counts) && (open || changed.length > 0);
    }
    if (open) {
      found[found.length - 1][1] = now;
    }
    return found;
  }

  /** What changed, the oldest first; before that, rows as they were when it begins. */
  *rows(): IterableIterator<IEntryRows> {
    const { objects, actors, nodes } = this._base;
    yield { time: this.since, objects: [...objects], actors: [...actors], nodes: [...nodes] };
    yield* this._entries;
  }

  /** How things stood at a time: as the last message until then told. */
  at(time: number): IMoment {
    const moment = copy(this._base);
    for (const entry of this._entries) {
      if (entry.time > time) {
        break;
      }
      apply(moment, entry);
    }
    return moment;
  }

  private _forget(session: string): void {
    this._session = session;
    this._entries = [];
    this._size = 0;
    this._base = nothing();
    this._last = nothing();
    this._baseTime = 0;
    this._basePartial = false;
    this.since = Infinity;
  }

  /** Gives up the older half. */
  private _fold(): void {
    let folded = 0;
    while (this._size > this._changesMax / 2 && folded < this._entries.length - 1) {
      apply(this._base, this._entries[folded]);
      this._baseTime = this._entries[folded].time;
      this._basePartial = this._entries[folded].partial;
      this._size -= this._entries[folded].size;
      folded += 1;
    }
    this._entries = this._entries.slice(folded);
    this.since = Math.max(this.since, this._entries[0].time);
  }

  private _session = '';
  private _entries: IEntry[] = [];
  private _size = 0;
  /** When what was told before the first entry was told; 0 if that was nothing. */
  private _baseTime = 0;
  private _basePartial = false;
  private _base = nothing();
  private _last = nothing();
}

function copy(moment: IMoment): IMoment {
  return {
    ...moment,
    counts: [...moment.counts],
    objects: new Map(moment.objects),
    actors: new Map(moment.actors),
    nodes: new Map(moment.nodes)
  };
}

function apply(moment: IMoment, entry: Omit<IEntry, 'size'>): void {
  put(moment.objects, entry.objects);
  put(moment.actors, entry.actors);
  put(moment.nodes, entry.nodes);
  moment.objectTotals = entry.objectTotals;
  moment.tempo = entry.tempo;
  putCounts(moment.counts, entry.counts);
}

function putCounts(known: (readonly number[])[], changed: Counts): void {
  for (const [func, counts] of changed) {
    known[func] = counts;
  }
}

function isBusy(counts: readonly (readonly number[])[]): boolean {
  return counts.some(own => own !== undefined && UNFINISHED.some(state => own[state] > 0));
}

/** Of the functions whose counts are other ones than they were, the counts as they are now. */
function otherCounts(old: readonly (readonly number[])[], now: readonly (readonly number[])[]): Counts {
  const found: [number, readonly number[]][] = [];
  now.forEach((counts, func) => {
    if (counts.some((count, state) => count !== (old[func]?.[state] ?? 0))) {
      found.push([func, [...counts]]);
    }
  });
  return found;
}

function put<Row>(rows: Map<string, Row>, changed: Rows<Row>): void {
  for (const [id, row] of changed) {
    if (row === null) {
      rows.delete(id);
    } else {
      rows.set(id, row);
    }
  }
}

/** Rows that are new, other ones, or gone. Rows are never changed in place, so most are told apart at a glance. */
function changes<Row>(
  old: ReadonlyMap<string, Row>,
  now: ReadonlyMap<string, Row>,
  same: (a: Row, b: Row) => boolean
): Rows<Row> {
  const found: [string, Row | null][] = [];
  for (const [id, row] of now) {
    const known = old.get(id);
    if (known === undefined || (known !== row && !same(known, row))) {
      found.push([id, row]);
    }
  }
  if (old.size + found.length > now.size) {
    for (const id of old.keys()) {
      if (!now.has(id)) {
        found.push([id, null]);
      }
    }
  }
  return found;
}

/** Snapshots tell everything once more: what is the same is no change. */
function sameObject(a: IObjectRow, b: IObjectRow): boolean {
  return a.state === b.state && a.holders === b.holders && a.size === b.size && a.node === b.node;
}
