/** Builds messages of the feed the way the kernel does: JSON header, one buffer of padded little-endian columns. */

import type { ColumnSpec, IFeedHeader } from '../../labextension/src/views/model/wire';

const WRITERS: Record<string, { bytes: number; write(view: DataView, offset: number, value: number): void }> = {
  u1: { bytes: 1, write: (view, offset, value) => view.setUint8(offset, value) },
  u2: { bytes: 2, write: (view, offset, value) => view.setUint16(offset, value, true) },
  u4: { bytes: 4, write: (view, offset, value) => view.setUint32(offset, value, true) },
  i2: { bytes: 2, write: (view, offset, value) => view.setInt16(offset, value, true) },
  i4: { bytes: 4, write: (view, offset, value) => view.setInt32(offset, value, true) },
  f8: { bytes: 8, write: (view, offset, value) => view.setFloat64(offset, value, true) }
};

type Column = readonly [name: string, dtype: string, values: readonly number[]];

function pack(columns: readonly Column[]): DataView {
  const padded = (n: number): number => Math.ceil(n / 8) * 8;
  const size = columns.reduce((sum, [, dtype, values]) => sum + padded(WRITERS[dtype].bytes * values.length), 0);
  const view = new DataView(new ArrayBuffer(size));
  let offset = 0;
  for (const [, dtype, values] of columns) {
    const { bytes, write } = WRITERS[dtype];
    values.forEach((value, i) => write(view, offset + i * bytes, value));
    offset += padded(bytes * values.length);
  }
  return view;
}

const specs = (columns: readonly Column[]): ColumnSpec[] => columns.map(([n, d, v]) => [n, d, v.length]);

/** A task to be listed. */
export interface INewTask {
  /** If it does not follow that of the task before. */
  readonly number?: number;
  readonly func: number;
  readonly deps?: readonly number[];
  readonly parent?: number;
  readonly created?: number;
}

/** A change of a task. */
export interface IChange {
  readonly id: number;
  readonly state: number;
  readonly worker?: number;
  readonly start?: number;
  readonly end?: number;
  readonly attempt?: number;
}

/** A message: its header, and its buffer. */
export function message(
  header: Partial<IFeedHeader>,
  tasks: readonly INewTask[] = [],
  changes: readonly IChange[] = [],
  left: readonly number[] = []
): [IFeedHeader, DataView] {
  const numbered = tasks.some(t => t.number !== undefined);
  const added: Column[] = [
    ...(numbered ? [['id', 'i4', tasks.map(t => t.number!)] as const] : []),
    ['func', 'u2', tasks.map(t => t.func)],
    ['cell', 'u2', tasks.map(() => 1)],
    ['line', 'u4', tasks.map((_, i) => i + 1)],
    ['parent', 'i4', tasks.map(t => t.parent ?? -1)],
    ['created', 'f8', tasks.map(t => t.created ?? 1000)],
    ['ndeps', 'u2', tasks.map(t => t.deps?.length ?? 0)],
    ['deps', 'i4', tasks.flatMap(t => [...(t.deps ?? [])])]
  ];
  const changed: Column[] = [
    ['id', 'i4', changes.map(c => c.id)],
    ['state', 'u1', changes.map(c => c.state)],
    ['attempt', 'u1', changes.map(c => c.attempt ?? 0)],
    ['worker', 'i2', changes.map(c => c.worker ?? -1)],
    ['start', 'f8', changes.map(c => c.start ?? 0)],
    ['end', 'f8', changes.map(c => c.end ?? 0)]
  ];
  const gone: Column[] = left.length > 0 ? [['id', 'i4', left]] : [];
  const full: IFeedHeader = {
    kind: 'snapshot',
    seq: 0,
    time: 1000,
    engine: 'local',
    session: 's1',
    new: specs(added),
    changed: specs(changed),
    ...(gone.length > 0 ? { gone: specs(gone) } : {}),
    ...header
  };
  return [full, pack([...added, ...changed, ...gone])];
}
