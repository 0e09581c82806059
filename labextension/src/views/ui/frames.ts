/**
 * When a canvas is drawn: soon after something has changed, and again and again while something moves by itself.
 *
 * What moves by itself gives way: it may take a small part of the page's time, so that a picture that is slow to
 * draw is drawn less often, and the work that it shows has the processor.
 */

/** Part of the page's time for what moves by itself. */
const SHARE = 0.1;

/** Frames of one canvas. */
export class Frames {
  /** Redraws a second at most. */
  fpsMax = 30;
  /** Milliseconds at least between two pictures of what moves by itself. */
  pauseMin = 0;

  /** `draw` gets the time in milliseconds, and returns true while something moves. */
  constructor(private readonly _draw: (time: number) => boolean) {}

  /** Asks for a redraw in one of the next frames. */
  invalidate(): void {
    window.clearTimeout(this._rest);
    this._rest = 0;
    if (this._frame === 0) {
      this._frame = requestAnimationFrame(time => this._onFrame(time));
    }
  }

  dispose(): void {
    window.clearTimeout(this._rest);
    cancelAnimationFrame(this._frame);
  }

  private _onFrame(time: number): void {
    this._frame = 0;
    if (time - this._drawnAt < 1000 / this.fpsMax - 1) {
      this.invalidate();
      return;
    }
    this._drawnAt = time;
    const begun = performance.now();
    const moves = this._draw(time);
    const took = performance.now() - begun;
    // the average: one slow frame on a busy machine is no slow picture
    this._cost += (took - this._cost) / 8;
    if (moves) {
      const pause = Math.max(this.pauseMin, this._cost / SHARE - took);
      if (pause < 1000 / this.fpsMax) {
        this.invalidate();
      } else {
        this._rest = window.setTimeout(() => this.invalidate(), Math.min(pause, 1000));
      }
    }
  }

  private _frame = 0;
  private _rest = 0;
  private _drawnAt = 0;
  private _cost = 0;
}
