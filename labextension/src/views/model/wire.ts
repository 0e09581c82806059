/**
 * The feed's wire format: a JSON header and one binary buffer of typed columns.
 *
 * A header's `new`, `changed` and `gone` list columns as `[name, dtype, length]`; the buffer holds them one after the
 * other, in that order, little endian, each padded to a multiple of 8 bytes. Tasks that are gone leave first: those in
 * `new` take their places.
 */

/** Name, element type and number of elements of a column. */
export type ColumnSpec = readonly [name: string, dtype: string, length: number];

export type Column = Uint8Array | Uint16Array | Uint32Array | Int16Array | Int32Array | Float64Array;

export type Columns = ReadonlyMap<string, Column>;

/** `[func, waiting, ready, running, done, failed, cancelled]`. */
export type GroupRow = readonly [number, number, number, number, number, number, number];

/** `[id, size in bytes, state, producer, holders, cell index, node]`. */
export type ObjectTuple = readonly [string, number, string, string, number, number, string];

/** What took a process's time and is no task: `[kind, process, start, end, size in bytes, about]`, unix seconds. */
export type SpanTuple = readonly [string, string, number, number, number, string];

/** An attempt that another one follows: `[task, number, worker, start, end, state, reason]`, unix seconds. */
export type AttemptTuple = readonly [number, number, number, number, number, number, string];

export interface ICell {
  readonly id: string;
  readonly label: string;
}

export interface IWorker {
  readonly id: string;
  readonly pid: number;
  readonly label: string;
  /** What the id of the process of its node begins with. */
  readonly node?: string;
}

export interface IObjectsPart {
  readonly rows?: readonly ObjectTuple[];
  readonly gone?: readonly string[];
  readonly count: number;
  readonly memory_bytes: number;
  readonly store_used_bytes: number;
  readonly store_capacity_bytes: number;
}

/** A watched field as the kernel tells it: what is no number is described. */
export type WatchedValue = number | string | boolean | null;

export interface IActorRow {
  readonly id: string;
  readonly class: string;
  readonly name: string | null;
  readonly state: string;
  readonly pid: number | null;
  readonly pending: number;
  readonly done: number;
  /** Of these, told by the process that it has now. */
  readonly done_since_restart?: number;
  readonly current: string | null;
  readonly restarts: number;
  readonly cause: string | null;
  readonly cell: number;
  /** Of that cell, where it was made. */
  readonly line?: number;
  readonly node: string | null;
  /** The fields that its class names in `watch`. */
  readonly watched?: Readonly<Record<string, WatchedValue>>;
  /** Made from a class that a cell has defined otherwise since. */
  readonly stale?: boolean;
}

export interface INodeRow {
  readonly id: string;
  readonly label: string;
  /** Id and number of the node's own process. */
  readonly process?: string;
  readonly pid?: number;
  readonly alive: boolean;
  readonly resources: Readonly<Record<string, number>>;
  readonly available: Readonly<Record<string, number>>;
  /** Held by workers in which nothing runs, since the session is paused or slowed down. */
  readonly idle?: Readonly<Record<string, number>>;
  readonly workers: number;
  readonly store_used_bytes: number;
  readonly store_capacity_bytes: number;
  /** Of values that are only on disk; absent where the engine has no disk. */
  readonly store_spilled_bytes?: number;
  /** Bytes copied from each other node so far, by its id. */
  readonly received?: Readonly<Record<string, number>>;
  /** Of its processes, shared memory aside; 0 when it is not known. */
  readonly memory_bytes?: number;
  /** `[id, pid, "starting" | "idle" | "leased"]` of each worker. */
  /** The node of the driver, with which the session ends. */
  readonly home?: boolean;
  /** Why it has died. */
  readonly reason?: string;
  /** A fault made on purpose: until this unix time what it says and hears is late by so many seconds. */
  readonly late_until?: number;
  readonly late_by_s?: number;
  readonly processes?: readonly (readonly [string, number, string])[];
}

/** How fast work begins; all fields are 0 where they mean nothing. */
export interface ITempo {
  readonly mode: 'free' | 'paused' | 'slow' | 'seeded';
  readonly interval_s: number;
  readonly seed: number;
  /** Workers and actors that have something to begin, and may not yet. */
  readonly waiting: number;
  /** Let through since the mode was set. */
  readonly begun: number;
  /** How many may begin as soon as they come. */
  readonly steps: number;
}

/** Work begins as soon as it can. */
export const FREE: ITempo = { mode: 'free', interval_s: 0, seed: 0, waiting: 0, begun: 0, steps: 0 };

/** Why no node can be added, before the kernel has told. */
export const NO_NODE = 'This kernel can not add nodes.';

/** Header of a snapshot or of a delta. Every part but the first five fields may be absent. */
export interface IFeedHeader {
  readonly kind: 'snapshot' | 'delta';
  readonly seq: number;
  readonly time: number;
  readonly engine: string;
  readonly session: string;
  /** The session has ended: this is how. */
  readonly ended?: boolean;
  readonly names?: readonly string[];
  readonly cells?: readonly ICell[];
  readonly workers?: readonly IWorker[];
  readonly groups?: readonly GroupRow[];
  readonly new?: readonly ColumnSpec[];
  readonly changed?: readonly ColumnSpec[];
  readonly gone?: readonly ColumnSpec[];
  readonly errors?: Readonly<Record<string, string>>;
  readonly objects?: IObjectsPart;
  readonly actors?: readonly IActorRow[];
  readonly nodes?: readonly INodeRow[];
  /** Why no node can be added; '' if one can. In snapshots alone. */
  readonly no_node?: string;
  /** Empty when work begins freely. */
  readonly tempo?: Partial<ITempo>;
  readonly spans?: readonly SpanTuple[];
  readonly attempts?: readonly AttemptTuple[];
  readonly limits?: { readonly tasks_listed: number; readonly tasks_total: number };
}

/** A message that breaks the wire format. The receiver should ask for a snapshot. */
export class WireError extends Error {}

const DTYPES: Readonly<Record<string, { bytes: number; view(data: ArrayBuffer, offset: number, n: number): Column }>> =
  {
    u1: { bytes: 1, view: (data, offset, n) => new Uint8Array(data, offset, n) },
    u2: { bytes: 2, view: (data, offset, n) => new Uint16Array(data, offset, n) },
    u4: { bytes: 4, view: (data, offset, n) => new Uint32Array(data, offset, n) },
    i2: { bytes: 2, view: (data, offset, n) => new Int16Array(data, offset, n) },
    i4: { bytes: 4, view: (data, offset, n) => new Int32Array(data, offset, n) },
    f8: { bytes: 8, view: (data, offset, n) => new Float64Array(data, offset, n) }
  };

/** Reads the columns of some specs out of a message's buffer. Throws {@link WireError}. */
export function readColumns(
  specs: readonly (readonly ColumnSpec[] | undefined)[],
  buffer: DataView | undefined
): Columns[] {
  const reader = { data: aligned(buffer), offset: 0 };
  return specs.map(spec => readSet(spec ?? [], reader));
}

/** Hosts may hand over views at odd offsets, on which a typed array can not be laid: copy the bytes then. */
function aligned(buffer: DataView | undefined): ArrayBuffer {
  if (!buffer) {
    return new ArrayBuffer(0);
  }
  const whole = buffer.byteOffset === 0 && buffer.byteLength === buffer.buffer.byteLength;
  if (whole && buffer.buffer instanceof ArrayBuffer) {
    return buffer.buffer;
  }
  const copy = new Uint8Array(buffer.byteLength);
  copy.set(new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength));
  return copy.buffer;
}

function readSet(specs: readonly ColumnSpec[], reader: { data: ArrayBuffer; offset: number }): Columns {
  const columns = new Map<string, Column>();
  for (const [name, dtype, length] of specs) {
    const kind = DTYPES[dtype];
    if (!kind) {
      throw new WireError(`column ${name} has the unknown type ${dtype}`);
    }
    const bytes = kind.bytes * length;
    if (!(length >= 0) || reader.offset + bytes > reader.data.byteLength) {
      throw new WireError(`column ${name} of ${length} elements ends beyond the buffer`);
    }
    columns.set(name, kind.view(reader.data, reader.offset, length));
    reader.offset += Math.ceil(bytes / 8) * 8;
  }
  return columns;
}
