/**
 * Turns: when the views of a page take in what they have been told.
 *
 * Most of what a message costs is not in our code: the page is laid out, painted and put together anew. So all views
 * take in together what has arrived, and are drawn in one frame; when that frame was slow the next turn waits, so
 * that the work which they show has the processor. What somebody does with mouse or keys waits for no turn.
 */

/** Part of the page's time that turns may take. */
const SHARE = 0.1;
/** What arrives within this time, in milliseconds, is one turn; in a rush the messages for several views lie further apart. */
const TOGETHER_MS = 25;
const TOGETHER_IN_RUSH_MS = 250;
/** The longest wait for a turn, in milliseconds: also on a slow page what is shown is true. */
const WAIT_MAX_MS = 400;

/** Who takes in what has arrived; called in its turn. */
export type Taker = () => void;

/** The turns of one page. */
export class Turns {
  /** Asks for a turn; who has asked already waits for the same one. */
  ask(taker: Taker, rush = false): void {
    this._takers.add(taker);
    if (this._timer === 0) {
      const wait = Math.max(rush ? TOGETHER_IN_RUSH_MS : TOGETHER_MS, this._next - performance.now());
      this._timer = window.setTimeout(() => this._run(), wait);
    }
  }

  /** Who asked no longer wants it. */
  drop(taker: Taker): void {
    this._takers.delete(taker);
  }

  private _run(): void {
    this._timer = 0;
    const takers = [...this._takers];
    this._takers.clear();
    const begun = performance.now();
    this._next = begun + WAIT_MAX_MS;
    let took = 0;
    // before the views ask for theirs: the first to be called in the frame in which all of them draw
    requestAnimationFrame(() => {
      const drawn = performance.now();
      // and this comes when it has been painted
      window.setTimeout(() => this._rest(took + performance.now() - drawn), 0);
    });
    for (const taker of takers) {
      try {
        taker();
      } catch (error) {
        reportError(error); // one view that fails ends alone
      }
    }
    took = performance.now() - begun;
  }

  /** A turn took so many milliseconds. */
  private _rest(took: number): void {
    // the average: one slow frame on a busy machine is no slow page
    this._cost += (took - this._cost) / 2;
    this._next = performance.now() + Math.min(WAIT_MAX_MS, this._cost / SHARE - took);
  }

  private readonly _takers = new Set<Taker>();
  private _timer = 0;
  private _next = 0;
  private _cost = 0;
}

/** Scripts of the same page share one: the panel's, and the one that the views in cells have. */
const NAME = Symbol.for('gnomon.turns.1');

/** The turns of this page. */
export function turnsOfPage(): Turns {
  const page = globalThis as unknown as Record<symbol, Turns | undefined>;
  return (page[NAME] ??= new Turns());
}
