/** A task that somebody has chosen: known by its number, so that it is found again when tasks get other places. Pure. */

import type { Model } from './model';

/** Says where a task is by then: for buttons, which stay while they look the same though their task gets another place. */
export function finder(feed: { readonly model: Model }, task: number): () => number {
  const number = feed.model.tasks.number[task];
  return () => feed.model.tasks.find(number);
}

/** One task, or none. */
export class Chosen {
  /** Its place; -1 if there is none, or it is no longer listed. */
  get task(): number {
    return this._task;
  }

  /** By which the kernel knows it; -1 if there is none. */
  get number(): number {
    return this._number;
  }

  /** Chooses a task, or none (-1). */
  choose(model: Model, task: number): void {
    this._task = task;
    this._number = task >= 0 ? (model.tasks.number[task] ?? -1) : -1;
    this._session = model.session;
    this._epoch = model.epoch;
  }

  /** Looks where it is now; a snapshot may list it again a while later. */
  follow(model: Model): number {
    if (this._number >= 0 && (model.epoch !== this._epoch || this._task < 0)) {
      this._epoch = model.epoch;
      this._task = model.session === this._session ? model.tasks.find(this._number) : -1;
    }
    return this._task;
  }

  private _task = -1;
  private _number = -1;
  private _session = '';
  private _epoch = -1;
}
