/**
 * Which objects become tiles of the treemap, and how large.
 *
 * Tiles compare with each other by their areas, and all of them with the store: an empty store is an empty picture. As
 * a store is usually nearly empty, the room that they take grows faster than what they fill of it: a tenth of the
 * store takes more than half of the picture, a few bytes take a corner.
 */

import { plural } from '../ui/format';
import type { IObjectRow } from '../model/object-rows';

/** Tiles drawn one by one; the rest share a last one. */
const TILES_MAX = 150;
/** A tile under this share of the whole is not drawn by itself. */
const SHARE_MIN = 0.0008;
/** All errors together get this share at most beside values: their texts fill no store, however long they are. */
const ERRORS_SHARE_MAX = 0.08;
/** Of the share of the store that is filled: 1 would be true to scale. */
const ROOM_EXPONENT = 0.25;
/** Without a store objects are compared with so many bytes. */
const NO_STORE_BYTES = 100_000_000;

export interface ITile {
  readonly id: string;
  readonly label: string;
  /** In bytes, as it is told. */
  readonly size: number;
  /** In bytes, as it is drawn. */
  readonly area: number;
  readonly state: string;
}

/** The share of the picture that objects of so many bytes take, in a store of that capacity; 1 where it is full. */
export function roomFor(bytes: number, capacity: number): number {
  const whole = capacity > 0 ? capacity : NO_STORE_BYTES;
  return bytes > 0 ? Math.min(1, bytes / whole) ** ROOM_EXPONENT : 0;
}

/** The tiles of objects that come sorted by size, the largest first; each has at least that share of their area. */
export function tilesOf(objects: readonly IObjectRow[], shareMin = SHARE_MIN): ITile[] {
  const rows = objects.filter(row => row.size > 0);
  const errors = sum(rows.filter(row => row.state === 'error').map(row => row.size));
  const values = sum(rows.map(row => row.size)) - errors;
  const room = (values * ERRORS_SHARE_MAX) / (1 - ERRORS_SHARE_MAX);
  const shrink = values > 0 && errors > room ? room / errors : 1;
  const tiles = rows
    .map(row => ({
      id: row.id,
      label: row.producer || 'put',
      size: row.size,
      area: row.state === 'error' ? row.size * shrink : row.size,
      state: row.state
    }))
    .sort((a, b) => b.area - a.area);
  const least = sum(tiles.map(tile => tile.area)) * Math.max(SHARE_MIN, shareMin);
  const single = tiles.slice(0, TILES_MAX).filter(tile => tile.area >= least);
  const rest = tiles.slice(single.length);
  if (rest.length === 1) {
    single.push({ ...rest[0], area: least });
  } else if (rest.length > 1) {
    const label = plural(rest.length, 'smaller object');
    const [size, area] = [sum(rest.map(tile => tile.size)), sum(rest.map(tile => tile.area))];
    single.push({ id: '', label, size, area: Math.max(area, least), state: 'pending' });
  }
  return single;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
