/**
 * The canvas of the timeline: time from left to right, moved by mouse, touch and keyboard.
 *
 * The wheel scrolls rows that do not fit, else the page; with Ctrl or Cmd it zooms, with Shift it moves through time.
 * While something runs and time moves on, the picture is drawn again and again.
 */

import { CanvasPlace } from '../ui/canvas-place';
import { Edges, hiddenSides, moreRows } from '../graph/edges';
import { actOnKey } from '../ui/own-keys';

const CLICK_SLOP = 4;
/** Of a wheel that counts in lines. */
const LINE_PX = 16;

export interface ITimelineHost {
  /** Draws; returns true to be drawn again. */
  draw(context: CanvasRenderingContext2D): boolean;
  hover(x: number, y: number): void;
  leave(): void;
  click(x: number, y: number): void;
  /** Moves the picture by so many pixels. */
  pan(dx: number, dy: number): void;
  /** Moves the rows up by so many pixels, as far as there are more; returns false when there are none. */
  scroll(dy: number): boolean;
  zoom(factor: number, x: number): void;
  /** Returns true if the key was used. */
  key(key: string): boolean;
}

/** A canvas that is as large as its place. */
export class TimelineStage extends CanvasPlace {
  constructor(private readonly _host: ITimelineHost) {
    super('stage', { tabindex: '0', role: 'img' });
    this.node.append(this._edges.node);
    this._listen();
  }

  /** Says that there are rows above or below those in sight, so many pixels high. */
  showHidden(above: number, below: number): void {
    const height = this.height + above + below;
    this._edges.show(hiddenSides({ width: 0, height }, { x: 0, y: -above, scale: 1 }, this));
  }

  protected paint(context: CanvasRenderingContext2D): boolean {
    return this._host.draw(context);
  }

  private _listen(): void {
    const { canvas } = this;
    let from: { x: number; y: number } | null = null;
    let moved = false;
    canvas.addEventListener('pointerdown', event => {
      from = { x: event.clientX, y: event.clientY };
      moved = false;
    });
    canvas.addEventListener('pointermove', event => {
      if (from && (event.buttons & 1) === 1) {
        const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
        if (moved || Math.hypot(dx, dy) > CLICK_SLOP) {
          if (!moved) {
            canvas.setPointerCapture(event.pointerId);
          }
          moved = true;
          this._host.pan(dx, dy);
          from = { x: event.clientX, y: event.clientY };
        }
      } else {
        this._host.hover(event.offsetX, event.offsetY);
      }
    });
    canvas.addEventListener('pointerup', event => {
      if (from && !moved) {
        this._host.click(event.offsetX, event.offsetY);
      }
      from = null;
    });
    canvas.addEventListener('pointerleave', () => this._host.leave());
    canvas.addEventListener('wheel', event => this._wheel(event), { passive: false });
    canvas.addEventListener('keydown', event => this._key(event));
  }

  private _wheel(event: WheelEvent): void {
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      this._host.zoom(Math.exp(-event.deltaY / 300), event.offsetX);
    } else if (event.shiftKey) {
      event.preventDefault();
      this._host.pan(-(event.deltaX || event.deltaY), 0);
    } else if (event.deltaY !== 0 && this._host.scroll(event.deltaY * (event.deltaMode === 1 ? LINE_PX : 1))) {
      event.preventDefault();
    }
  }

  private _key(event: KeyboardEvent): void {
    const middle = this.width / 2;
    const actions: Record<string, () => void> = {
      ArrowLeft: () => this._host.pan(60, 0),
      ArrowRight: () => this._host.pan(-60, 0),
      ArrowUp: () => this._host.pan(0, 40),
      ArrowDown: () => this._host.pan(0, -40),
      '+': () => this._host.zoom(1.4, middle),
      '=': () => this._host.zoom(1.4, middle),
      '-': () => this._host.zoom(1 / 1.4, middle)
    };
    actOnKey(event, actions, key => this._host.key(key));
  }

  private readonly _edges = new Edges(moreRows);
}
