/** How the watched fields of actors have moved, as far as this page has seen: a few points of each. Pure. */

import { formatCount } from '../ui/format';
import type { IActorRow } from './wire';

/** Points kept of each field; when there are more, every second one goes. */
const POINTS_MAX = 64;

export interface IPoint {
  /** Unix seconds. */
  readonly time: number;
  readonly value: number;
}

/** Histories of all actors. */
export class Histories {
  /** Notes what a row says of its fields at a time. */
  note(row: IActorRow, time: number): void {
    if (!row.watched) {
      return;
    }
    for (const [field, value] of Object.entries(row.watched)) {
      if (typeof value === 'number') {
        this._add(`${row.id}/${field}`, { time, value });
      }
    }
  }

  /** The points of a field, the oldest first. */
  of(actor: string, field: string): readonly IPoint[] {
    return this._points.get(`${actor}/${field}`) ?? [];
  }

  /** These histories as they were at a time. */
  until(time: number): Histories {
    const earlier = Object.create(this) as Histories;
    earlier.of = (actor, field) => this.of(actor, field).filter(point => point.time <= time);
    return earlier;
  }

  private _add(key: string, point: IPoint): void {
    const points = this._points.get(key) ?? [];
    const last = points[points.length - 1];
    if (last && last.value === point.value && points.length > 1 && points[points.length - 2].value === last.value) {
      points[points.length - 1] = point; // it stays as it is: a line needs two points
    } else {
      points.push(point);
    }
    if (points.length > POINTS_MAX) {
      const newest = points.length - 1;
      this._points.set(
        key,
        points.filter((_, i) => i === 0 || i === newest || i % 2 === 0)
      );
    } else {
      this._points.set(key, points);
    }
  }

  private readonly _points = new Map<string, IPoint[]>();
}

/** The points as a line in a box: an SVG path, and where it ends. `null` while there are fewer than two. */
export function sparkline(
  points: readonly IPoint[],
  width: number,
  height: number
): { readonly path: string; readonly end: readonly [number, number] } | null {
  if (points.length < 2) {
    return null;
  }
  const [first, last] = [points[0].time, points[points.length - 1].time];
  const values = points.map(point => point.value);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const places = points.map(({ time, value }): [number, number] => [
    last > first ? ((time - first) / (last - first)) * width : 0,
    high > low ? height - ((value - low) / (high - low)) * height : height / 2
  ]);
  const path = places.map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`).join('');
  return { path, end: places[places.length - 1] };
}

/** A number as a card shows it: 12,345; 0.00123; 1.2e-9. */
export function formatValue(value: number | string | boolean | null): string {
  if (typeof value !== 'number') {
    return value === null ? 'None' : typeof value === 'boolean' ? (value ? 'True' : 'False') : value;
  }
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e15) {
    return formatCount(value);
  }
  return size >= 1e-3 && size < 1e6 ? String(Number(value.toPrecision(4))) : value.toExponential(2);
}
