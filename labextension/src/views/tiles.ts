/** Which objects become tiles of the treemap, and how large. */

import { plural } from './format';
import type { IObjectRow } from './object-rows';

/** Tiles drawn one by one; the rest share a last one. */
const TILES_MAX = 150;
/** A tile under this share of the whole is not drawn by itself. */
const SHARE_MIN = 0.0008;
/** All errors together get this share at most beside values: their texts fill no store, however long they are. */
const ERRORS_SHARE_MAX = 0.08;

export interface ITile {
  readonly id: string;
  readonly label: string;
  /** In bytes, as it is told. */
  readonly size: number;
  /** In bytes, as it is drawn. */
  readonly area: number;
  readonly state: string;
}

/** The tiles of objects that come sorted by size, the largest first. */
export function tilesOf(objects: readonly IObjectRow[]): ITile[] {
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
  const total = sum(tiles.map(tile => tile.area));
  const single = tiles.slice(0, TILES_MAX).filter(tile => tile.area >= total * SHARE_MIN);
  const rest = tiles.slice(single.length);
  if (rest.length > 0) {
    const label = plural(rest.length, 'smaller object');
    const [size, area] = [sum(rest.map(tile => tile.size)), sum(rest.map(tile => tile.area))];
    single.push({ id: '', label, size, area, state: 'pending' });
  }
  return single;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
