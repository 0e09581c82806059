/**
 * The piece of time that the timeline shows.
 *
 * It follows the latest work ("follow"), or shows everything ("all"), until somebody moves it ("free").
 */

import type { ITimeline } from '../model/spans';

export type WindowMode = 'follow' | 'all' | 'free';

/** While it follows, it is at most so long, in seconds. */
const FOLLOW_MAX_S = 60;
/** It is never shorter. */
const LENGTH_MIN_S = 50e-6;
const FOLLOW_MIN_S = 0.01;
/** Room before the first span and behind the last, as parts of the length. */
const ROOM = 0.02;

/** From where to where, in unix seconds. */
export class TimeWindow {
  from = 0;
  to = 1;
  mode: WindowMode = 'follow';

  get length(): number {
    return this.to - this.from;
  }

  /** Moves along with what has happened. */
  update(timeline: ITimeline, now: number): void {
    if (this.mode === 'free' || timeline.spans === 0) {
      return;
    }
    const end = timeline.running > 0 ? Math.max(now, timeline.last) : timeline.last;
    const begin = this.mode === 'all' ? timeline.first : Math.max(timeline.burst, end - FOLLOW_MAX_S);
    const length = Math.max(FOLLOW_MIN_S, end - begin);
    this.from = begin - (this.mode === 'follow' && begin > timeline.burst ? 0 : ROOM * length);
    this.to = begin + length + 2 * ROOM * length;
  }

  /** Whether a moment is in sight. */
  has(time: number): boolean {
    return time >= this.from && time <= this.to;
  }

  /** Moves by so many seconds. */
  pan(seconds: number): void {
    this.mode = 'free';
    this.from += seconds;
    this.to += seconds;
  }

  /** Makes everything `factor` times as long; what is at `at` stays there. `limit` is the longest useful length. */
  zoom(factor: number, at: number, limit: number): void {
    const length = Math.min(Math.max(LENGTH_MIN_S, this.length / factor), Math.max(limit, this.length));
    const part = (at - this.from) / this.length;
    this.mode = 'free';
    this.from = at - part * length;
    this.to = this.from + length;
  }

  /** Moves so that a span is in sight; what is in sight already stays where it is. */
  reveal(start: number, end: number): void {
    if (end < this.from || start > this.to) {
      this.pan((start + end) / 2 - (this.from + this.to) / 2);
    }
  }
}
