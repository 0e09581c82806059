/** Travel in time: which moment the views show, and the model of that moment, made when it is first asked for. Pure. */

import type { IRunEvent } from './events';
import { eventsOf } from './events';
import { Journal } from './journal';
import type { Model } from './model';
import { modelAt } from './past';
import type { Interval } from './time-scale';
import { busyTimes, merged } from './time-scale';

/** Where in time the views of one feed are. */
export class Travel {
  /** Of what has changed besides tasks the latest `changesMax` rows are kept. */
  constructor(
    private readonly _live: Model,
    changesMax?: number
  ) {
    this._journal = new Journal(changesMax);
  }

  /** The time that is shown, unix seconds; `null` is now. */
  get at(): number | null {
    return this._at;
  }

  /** The first moment that can be shown, unix seconds; Infinity while nothing is known. */
  get from(): number {
    const { tasks } = this._live;
    return Math.min(tasks.length > 0 ? tasks.created[0] : Infinity, this._journal.since);
  }

  /** From which moment on more than tasks is known. */
  get wholeFrom(): number {
    return this._journal.since;
  }

  /** The model of the time that is shown, `null` for now. */
  get model(): Model | null {
    if (this._at !== null && this._past === null) {
      this._past = modelAt(this._live, this._journal, this._at);
    }
    return this._past;
  }

  /** When something went on, as a scale of time needs it; `now` is the end. */
  busy(now: number): Interval[] {
    const { tasks, departed } = this._live;
    return merged([...busyTimes(tasks, now), ...departed.busy(), ...this._journal.busy(now)]);
  }

  /** What happened that is worth going to, the oldest first. */
  events(): readonly IRunEvent[] {
    return eventsOf(this._live, this._journal.rows());
  }

  /** Takes in what the last message has changed. A new session ends the journey: nothing is known of its past. */
  note(): void {
    this._journal.note(this._live);
    if (this._live.session !== this._session) {
      this._session = this._live.session;
      this.goTo(null);
    } else if (this._live.epoch !== this._epoch) {
      this._past = null; // tasks have got other places
    }
    this._epoch = this._live.epoch;
  }

  /** Shows another time, or with `null` what is now. */
  goTo(time: number | null): void {
    this._at = time;
    this._past = null;
  }

  private readonly _journal: Journal;
  private _at: number | null = null;
  private _past: Model | null = null;
  private _epoch = 0;
  private _session = '';
}
