/** A page whose time passes when a test says so: timers and frames. */

interface IDue {
  readonly at: number;
  readonly frame: boolean;
  readonly call: (time: number) => void;
}

/** Takes the place of the page's clock, frames and timers. */
export class FakePage {
  now = 0;
  /** Milliseconds that it takes to paint a frame in which something was drawn. */
  paint = 0;

  constructor() {
    const page = globalThis as unknown as Record<string, unknown>;
    page.requestAnimationFrame = (call: (time: number) => void) =>
      this._add(Math.floor(this.now / 16 + 1) * 16, true, call);
    page.cancelAnimationFrame = (id: number) => this._due.delete(id);
    page.window = {
      setTimeout: (call: () => void, after: number) => this._add(this.now + after, false, call),
      clearTimeout: (id: number) => this._due.delete(id)
    };
    page.performance = { now: () => this.now };
  }

  /** What the page is still to do. */
  get waiting(): number {
    return this._due.size;
  }

  /** Lets time pass, and all happen that is due. */
  pass(until: number): void {
    for (;;) {
      const [id, next] = [...this._due].sort((a, b) => a[1].at - b[1].at)[0] ?? [0, null];
      if (!next || next.at > until) {
        break;
      }
      this._due.delete(id);
      this.now = Math.max(this.now, next.at);
      next.call(this.now);
      // all that is called in one frame comes before it is painted
      if (next.frame && ![...this._due.values()].some(each => each.frame && each.at <= next.at)) {
        this.now += this.paint;
      }
    }
    this.now = Math.max(this.now, until);
  }

  private _add(at: number, frame: boolean, call: (time: number) => void): number {
    this._due.set(++this._serial, { at, frame, call });
    return this._serial;
  }

  private readonly _due = new Map<number, IDue>();
  private _serial = 0;
}
