/** Objects as the model keeps them, and their totals. */

import type { IObjectsPart } from './wire';

export interface IObjectRow {
  readonly id: string;
  readonly size: number;
  readonly state: string;
  readonly producer: string;
  readonly holders: number;
  readonly cell: number;
  readonly node: string;
}

export interface IObjectTotals {
  readonly count: number;
  readonly memoryBytes: number;
  readonly storeUsedBytes: number;
  readonly storeCapacityBytes: number;
}

/** Rows kept at most; the feed sends the largest ones only, this bounds what piles up over time. */
const OBJECTS_KEPT = 1000;

/** Of a session without objects, or of none. */
export const NO_OBJECTS: IObjectTotals = { count: 0, memoryBytes: 0, storeUsedBytes: 0, storeCapacityBytes: 0 };

/** The totals that a part of a message tells. */
export function totalsOf(part: IObjectsPart): IObjectTotals {
  return {
    count: part.count,
    memoryBytes: part.memory_bytes,
    storeUsedBytes: part.store_used_bytes,
    storeCapacityBytes: part.store_capacity_bytes
  };
}

/** The largest first. */
export function bySize(objects: ReadonlyMap<string, IObjectRow>): IObjectRow[] {
  return [...objects.values()].sort((a, b) => b.size - a.size || (a.id < b.id ? -1 : 1));
}

/** Adds, changes and removes the rows that a part of a message tells of. */
export function changeObjects(objects: Map<string, IObjectRow>, part: IObjectsPart): void {
  for (const [id, size, state, producer, holders, cell, node] of part.rows ?? []) {
    objects.set(id, { id, size, state, producer, holders, cell, node });
  }
  part.gone?.forEach(id => objects.delete(id));
  if (objects.size > OBJECTS_KEPT) {
    bySize(objects)
      .slice(OBJECTS_KEPT / 2)
      .forEach(row => objects.delete(row.id));
  }
}

/** "node 1", or "node 1, node 2" where there is a copy on each of them; "" while it lies nowhere. */
export function nodesOf(
  nodes: ReadonlyMap<string, { readonly label: string }>,
  { node }: Pick<IObjectRow, 'node'>
): string {
  const ids = node.split(' ').filter(id => id !== '');
  return ids.map(id => nodes.get(id)?.label ?? 'another node').join(', ');
}
