/**
 * What the kernel must know of a view, and may miss: that somebody looks at it, or that nobody does.
 *
 * A message can be lost with a connection that was cut, as by a laptop that slept; and one that waited in a kernel which
 * runs a cell can be overtaken by a later one that came over a subshell. So who asks for a snapshot asks again until one
 * comes, and who is told what does not fit says again how it is.
 */

import type { IMessage } from '../../channel';

/** After this time without an answer, in milliseconds, a snapshot is asked for again; then ever more rarely. */
const AGAIN_FIRST_MS = 5000;
const AGAIN_LAST_MS = 30_000;
/** So often, then somebody must do something. */
const AGAIN_TIMES = 10;
/** A view that nobody sees, and that is told of tasks, says so again after this time: others may look at the same one. */
const HIDDEN_AGAIN_MS = 60_000;

/** Calls back after some milliseconds. Returns a function that calls it off. */
export type Later = (call: () => void, ms: number) => () => void;

/** By the page's clock. */
export const pageLater: Later = (call, ms) => {
  const timer = window.setTimeout(call, ms);
  return () => window.clearTimeout(timer);
};

/** Of one view. It counts as seen until it is hidden. */
export class Presence {
  /** Whether somebody sees the view. */
  visible = true;

  constructor(
    private readonly _send: (message: IMessage) => void,
    private readonly _now: () => number,
    /** Without it nothing is asked for again. */
    private readonly _later: Later | null
  ) {}

  /** Asks for a snapshot. */
  ask(kind: 'subscribe' | 'visible' | 'resync'): void {
    this._send({ kind });
    this._wait(AGAIN_FIRST_MS, AGAIN_TIMES);
  }

  /** What was asked for has come, or will never come. */
  answered(): void {
    this._stop?.();
    this._stop = null;
  }

  /** Says whether somebody sees the view; with `asks` a snapshot is then to come. */
  show(visible: boolean, asks: boolean): void {
    this.visible = visible;
    if (!visible) {
      this.answered();
      this._hidden({ kind: 'hidden' });
    } else if (asks) {
      this.ask('visible');
    } else {
      this._send({ kind: 'visible' });
    }
  }

  /** The kernel tells how things stand: so it takes the view for seen. */
  told(kind: 'snapshot' | 'delta'): void {
    if (kind === 'snapshot') {
      this.answered();
    }
    if (!this.visible && this._now() - this._hiddenAt > HIDDEN_AGAIN_MS) {
      this._hidden({ kind: 'hidden', again: true });
    }
  }

  /** The kernel takes the view for hidden. What has been asked for since is on its way. */
  takenForHidden(): void {
    if (this.visible && !this._stop) {
      this.ask('resync');
    }
  }

  private _hidden(message: IMessage): void {
    this._hiddenAt = this._now();
    this._send(message);
  }

  private _wait(ms: number, times: number): void {
    this.answered();
    this._stop =
      this._later?.(() => {
        this._send({ kind: 'resync' });
        this._stop = null;
        if (times > 1) {
          this._wait(Math.min(2 * ms, AGAIN_LAST_MS), times - 1);
        }
      }, ms) ?? null;
  }

  private _stop: (() => void) | null = null;
  private _hiddenAt = 0;
}
