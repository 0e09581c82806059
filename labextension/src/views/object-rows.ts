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
