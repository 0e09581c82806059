/**
 * The scale of the slider through time: even where something goes on, and nearly skipping where nothing does.
 *
 * A notebook rests most of the time; what happened would else be a few dots on the slider. Pure.
 */

import { TaskState } from './states';
import type { TaskTable } from './tasks';

export type Interval = readonly [from: number, to: number];

/** A time in which nothing went on, and where it is on the slider. */
export interface IRest {
  readonly from: number;
  readonly to: number;
  readonly seconds: number;
}

/** A rest is worth a word from so many seconds on. */
const REST_MIN_S = 0.5;

/** All rests together take this part of what is busy, at most. */
const RESTS = 0.1;

/** Where on the slider (0 to 1) a time is, and the time at a place. */
export class TimeScale {
  /** Length of the scale, in seconds as they are played. */
  readonly length: number;

  /** `busy` are intervals in ascending order, apart from each other. */
  constructor(busy: readonly Interval[], from: number, to: number) {
    const marks = [from, ...busy.flat().map(time => Math.min(Math.max(time, from), to)), to];
    const worked = busy.reduce((sum, _, i) => sum + marks[2 * i + 2] - marks[2 * i + 1], 0);
    // before, between and behind what is busy; with nothing busy the one rest is the whole
    const restMax = worked > 0 ? (RESTS * worked) / (busy.length + 1) : Infinity;
    this._times = marks;
    this._places = [0];
    for (let i = 1; i < marks.length; i++) {
      const long = marks[i] - marks[i - 1];
      this._places.push(this._places[i - 1] + (i % 2 === 1 ? Math.min(long, restMax) : long));
    }
    this.length = this._places[this._places.length - 1];
  }

  /** The place of a time, from 0 to 1. */
  placeOf(time: number): number {
    return this.length > 0 ? between(this._times, this._places, time) / this.length : 1;
  }

  /** The time at a place. */
  timeAt(place: number): number {
    return between(this._places, this._times, place * this.length);
  }

  /** The times between those that are busy; what comes before and after all of them is none. */
  rests(): IRest[] {
    const found: IRest[] = [];
    for (let i = 3; i < this._times.length - 1; i += 2) {
      const seconds = this._times[i] - this._times[i - 1];
      if (seconds >= REST_MIN_S) {
        found.push({ from: this._places[i - 1] / this.length, to: this._places[i] / this.length, seconds });
      }
    }
    return found;
  }

  private readonly _times: readonly number[];
  private readonly _places: number[];
}

/** When at least one listed task was waiting or running: what is not over lasts until `now`. */
export function busyTimes(tasks: TaskTable, now: number): Interval[] {
  const each: [number, number][] = [];
  let sorted = true;
  for (let task = 0; task < tasks.length; task++) {
    const over = tasks.state[task] >= TaskState.done;
    const to = over ? Math.max(tasks.end[task], tasks.created[task]) : Math.max(now, tasks.created[task]);
    const last = each[each.length - 1];
    if (last && tasks.created[task] >= last[0] && tasks.created[task] <= last[1]) {
      last[1] = Math.max(last[1], to);
    } else {
      sorted &&= !last || tasks.created[task] > last[1];
      each.push([tasks.created[task], to]);
    }
  }
  return sorted ? each : merged(each);
}

/** Intervals in any order as ascending ones that lie apart. */
export function merged(intervals: readonly Interval[]): Interval[] {
  const each = [...intervals].sort((a, b) => a[0] - b[0]);
  const joined: [number, number][] = [];
  for (const [from, to] of each) {
    const last = joined[joined.length - 1];
    if (last && from <= last[1]) {
      last[1] = Math.max(last[1], to);
    } else {
      joined.push([from, to]);
    }
  }
  return joined;
}

/** Goes from one ascending list of numbers to another, straight between them. */
function between(from: readonly number[], to: readonly number[], value: number): number {
  let [low, high] = [0, from.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (from[middle] <= value) {
      low = middle;
    } else {
      high = middle;
    }
  }
  const part = from[high] > from[low] ? (value - from[low]) / (from[high] - from[low]) : 1;
  return to[low] + Math.min(1, Math.max(0, part)) * (to[high] - to[low]);
}
