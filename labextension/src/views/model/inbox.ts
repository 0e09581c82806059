/** What the kernel has told of its cluster and nobody has taken in yet: it waits for the page's next turn. */

import type { Turns } from './turns';
import type { IFeedHeader } from './wire';

/** A message of the feed. */
export interface IArrived {
  readonly header: IFeedHeader;
  readonly buffer: DataView | undefined;
  /** When it came, in milliseconds by the page's clock. */
  readonly at: number;
}

/** The messages of one feed. Without turns each is taken in as it comes. */
export class Inbox {
  constructor(
    private readonly _takeIn: (arrived: readonly IArrived[]) => void,
    private readonly _turns: Turns | null
  ) {}

  put(arrived: IArrived, rush = false): void {
    this._waiting.push(arrived);
    if (this._turns) {
      this._turns.ask(this._empty, rush);
    } else {
      this._empty();
    }
  }

  /** Has all that waits taken in now: what comes next is told of it. */
  flush(): void {
    this._turns?.drop(this._empty);
    this._empty();
  }

  dispose(): void {
    this._turns?.drop(this._empty);
    this._waiting = [];
  }

  private readonly _empty = (): void => {
    const waiting = this._waiting;
    this._waiting = [];
    if (waiting.length > 0) {
      this._takeIn(waiting);
    }
  };

  private _waiting: IArrived[] = [];
}
