/** A canvas that is as large as its place, sharp on every screen, and drawn in frames. */

import { el } from './dom';
import { Frames } from './frames';

/** What all pictures share; each says how it is drawn. */
export abstract class CanvasPlace {
  readonly node: HTMLDivElement;
  readonly canvas: HTMLCanvasElement;
  readonly frames = new Frames(time => this._draw(time));
  /** In pixels of the page. Noted when it changes: to ask for it in a frame would lay the page out once more. */
  width = 0;
  height = 0;

  /** `classes` are those of the place. */
  constructor(classes: string, attributes: Readonly<Record<string, string>>) {
    this.canvas = el('canvas', 'canvas', [], attributes);
    this.node = el('div', classes, [this.canvas]);
    this._paper = this.canvas.getContext('2d')!;
    this._observer = new ResizeObserver(() => this._measure());
    this._observer.observe(this.node);
  }

  /** Asks for a redraw in one of the next frames. */
  invalidate(): void {
    this.frames.invalidate();
  }

  dispose(): void {
    this._observer.disconnect();
    this.frames.dispose();
  }

  /** Draws upon the empty canvas, in pixels of the page; `time` in milliseconds. Returns true to be drawn again. */
  protected abstract paint(context: CanvasRenderingContext2D, time: number): boolean;

  /** The place has another size now. */
  protected resized(): void {
    // most pictures are made for a size only when they are drawn
  }

  private _measure(): void {
    const { clientWidth, clientHeight } = this.node;
    if (clientWidth !== this.width || clientHeight !== this.height) {
      this.width = clientWidth;
      this.height = clientHeight;
      this.resized();
      this.invalidate();
    }
  }

  private _draw(time: number): boolean {
    if (this.width === 0 || this.height === 0) {
      return false;
    }
    const ratio = window.devicePixelRatio || 1;
    const [w, h] = [Math.round(this.width * ratio), Math.round(this.height * ratio)];
    if (this.canvas.width !== w || this.canvas.height !== h) {
      this.canvas.width = w;
      this.canvas.height = h;
    }
    this._paper.setTransform(1, 0, 0, 1, 0, 0);
    this._paper.clearRect(0, 0, w, h);
    this._paper.setTransform(ratio, 0, 0, ratio, 0, 0);
    return this.paint(this._paper, time);
  }

  private readonly _paper: CanvasRenderingContext2D;
  private readonly _observer: ResizeObserver;
}
