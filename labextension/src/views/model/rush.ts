/** Whether tasks go by faster than anybody could follow them: then only their numbers are looked at. Pure. */

import type { Model } from './model';
import { TaskState } from './states';

/** Tasks submitted and ended, together: in a second, and at once. */
const RUSH_PER_S = 1000;
const RUSH_AT_ONCE = 300;

/** What the last two messages of a feed tell of it. */
export class Rush {
  /** Whether there is one. */
  on = false;

  /** Takes in what a message has changed. */
  note(model: Model): void {
    const totals = model.totals();
    const ended = totals[TaskState.done] + totals[TaskState.failed] + totals[TaskState.cancelled];
    const steps = model.tasksTotal + ended;
    const passed = model.time - this._time;
    const more = steps - this._steps;
    const fast = more > RUSH_AT_ONCE || (passed > 0 && more > RUSH_PER_S * passed);
    this.on = model.session === this._session && fast;
    this._session = model.session;
    this._time = model.time;
    this._steps = steps;
  }

  private _session = '';
  private _time = 0;
  private _steps = 0;
}
