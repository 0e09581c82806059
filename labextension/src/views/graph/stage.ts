/**
 * A canvas with a camera: sharp on every screen, panned and zoomed by mouse, touch and keyboard.
 *
 * The camera follows the picture (fits it, or keeps the busy part in sight where it does not fit) until the
 * user moves it; "fit" gives it back. The wheel scrolls the page as everywhere; with Ctrl or Cmd it zooms.
 */

import { el } from '../ui/dom';
import { CanvasPlace } from '../ui/canvas-place';
import { Edges, hiddenSides, moreThere } from './edges';
import { prefersLessMotion } from '../ui/theme';
import { actOnKey } from '../ui/own-keys';

export interface IPoint {
  readonly x: number;
  readonly y: number;
}

/** What a stage shows. All coordinates are in the scene's own units. */
export interface IScene {
  readonly width: number;
  readonly height: number;
  /** Scale under which nothing can be read; the camera will not fit beyond it. */
  readonly scaleMin: number;
  /** Draws; `time` in milliseconds. Returns true to be drawn again in the next frame. */
  draw(context: CanvasRenderingContext2D, scale: number, time: number): boolean;
  /** Where it happens now, for a camera that can not show all. */
  focus(): IPoint | null;
}

export interface IStageHost {
  scene(): IScene | null;
  hover(point: IPoint | null): void;
  /** `place` is the point in pixels from the corner of the canvas. */
  click(point: IPoint, place: IPoint): void;
  resized(): void;
  /** A key the camera has no use for. Returns true if it was used. */
  key(key: string): boolean;
}

interface ICamera {
  x: number;
  y: number;
  scale: number;
}

const MARGIN = 14;
const SCALE_MAX = 3;
const FIT_SCALE_MAX = 1.15;
const CLICK_SLOP = 4;

/** A canvas with a camera. */
export class Stage extends CanvasPlace {
  /** Whether the camera jumps instead of gliding. */
  jumps = false;

  constructor(private readonly _host: IStageHost) {
    super('stage', { tabindex: '0', role: 'img' });
    this.node.append(this._edges.node, this._controls());
    this._listen();
  }

  /** Lets the camera follow the picture again. */
  fit(): void {
    this._free = false;
    this._jump = this._jump || prefersLessMotion();
    this.invalidate();
  }

  /** The next picture is another one: do not glide from the old to the new place. */
  cut(): void {
    this._free = false;
    this._jump = true;
    this.invalidate();
  }

  private _controls(): HTMLElement {
    const button = (text: string, label: string, act: () => void): HTMLButtonElement => {
      const node = el('button', 'zoom', text, { type: 'button', 'aria-label': label, title: label });
      node.addEventListener('click', act);
      return node;
    };
    return el('div', 'zooms', [
      button('+', 'Zoom in', () => this._zoom(1.3)),
      button('−', 'Zoom out', () => this._zoom(1 / 1.3)),
      button('⤢', 'Fit to the view', () => this.fit())
    ]);
  }

  protected resized(): void {
    this._jump = true;
    this._host.resized();
  }

  protected paint(context: CanvasRenderingContext2D, time: number): boolean {
    const scene = this._host.scene();
    if (!scene) {
      return false;
    }
    const gliding = this._follow(scene, Math.min(100, time - this._drawnAt));
    this._drawnAt = time;
    const { x, y, scale } = this._camera;
    context.translate(x, y);
    context.scale(scale, scale);
    if (gliding) {
      this.invalidate();
    }
    this._edges.show(hiddenSides(scene, this._camera, this));
    return scene.draw(context, scale, time);
  }

  /** Moves the camera towards where it should be. Returns true while it is on its way. */
  private _follow(scene: IScene, elapsed: number): boolean {
    if (this._free) {
      return false;
    }
    const wanted = this._wanted(scene);
    const camera = this._camera;
    const far =
      Math.abs(wanted.x - camera.x) + Math.abs(wanted.y - camera.y) + Math.abs(wanted.scale - camera.scale) * 100;
    if (this._jump || this.jumps || far < 0.5 || prefersLessMotion()) {
      this._camera = wanted;
      this._jump = false;
      return false;
    }
    const part = 1 - Math.exp(-elapsed / 90);
    camera.x += (wanted.x - camera.x) * part;
    camera.y += (wanted.y - camera.y) * part;
    camera.scale += (wanted.scale - camera.scale) * part;
    return true;
  }

  private _wanted(scene: IScene): ICamera {
    const full = fullScale(this, scene);
    const scale = Math.min(FIT_SCALE_MAX, Math.max(scene.scaleMin, full));
    const focus = full < scene.scaleMin ? scene.focus() : null;
    return {
      scale,
      x: place(this.width, scene.width * scale, focus && focus.x * scale),
      y: place(this.height, scene.height * scale, focus && focus.y * scale)
    };
  }

  private _listen(): void {
    const { canvas } = this;
    let from: IPoint | null = null;
    let moved = false;
    canvas.addEventListener('pointerdown', event => {
      from = { x: event.clientX, y: event.clientY };
      moved = false;
    });
    canvas.addEventListener('pointermove', event => {
      const pressed = from !== null && (event.buttons & 1) === 1;
      if (from && pressed && (moved || Math.hypot(event.clientX - from.x, event.clientY - from.y) > CLICK_SLOP)) {
        if (!moved) {
          canvas.setPointerCapture(event.pointerId);
        }
        moved = true;
        this._pan(event.clientX - from.x, event.clientY - from.y);
        from = { x: event.clientX, y: event.clientY };
      } else if (!pressed) {
        this._host.hover(this._world(event));
      }
    });
    canvas.addEventListener('pointerup', event => {
      if (from && !moved) {
        this._host.click(this._world(event), { x: event.offsetX, y: event.offsetY });
      }
      from = null;
    });
    canvas.addEventListener('pointerleave', () => this._host.hover(null));
    canvas.addEventListener(
      'wheel',
      event => {
        if (event.ctrlKey || event.metaKey) {
          event.preventDefault();
          this._zoom(Math.exp(-event.deltaY / 300), event);
        }
      },
      { passive: false }
    );
    canvas.addEventListener('keydown', event => this._key(event));
  }

  private _key(event: KeyboardEvent): void {
    const actions: Record<string, () => void> = {
      ArrowLeft: () => this._pan(40, 0),
      ArrowRight: () => this._pan(-40, 0),
      ArrowUp: () => this._pan(0, 40),
      ArrowDown: () => this._pan(0, -40),
      '+': () => this._zoom(1.3),
      '=': () => this._zoom(1.3),
      '-': () => this._zoom(1 / 1.3),
      '0': () => this.fit()
    };
    actOnKey(event, actions, key => this._host.key(key));
  }

  private _pan(dx: number, dy: number): void {
    this._free = true;
    this._camera.x += dx;
    this._camera.y += dy;
    this.invalidate();
  }

  private _zoom(factor: number, at?: MouseEvent): void {
    this._free = true;
    const camera = this._camera;
    const scale = Math.min(SCALE_MAX, Math.max(0.1, camera.scale * factor));
    const rect = this.canvas.getBoundingClientRect();
    const centre = at
      ? { x: at.clientX - rect.left, y: at.clientY - rect.top }
      : { x: this.width / 2, y: this.height / 2 };
    camera.x = centre.x - ((centre.x - camera.x) * scale) / camera.scale;
    camera.y = centre.y - ((centre.y - camera.y) * scale) / camera.scale;
    camera.scale = scale;
    this.invalidate();
  }

  private _world(event: MouseEvent): IPoint {
    const rect = this.canvas.getBoundingClientRect();
    const { x, y, scale } = this._camera;
    return { x: (event.clientX - rect.left - x) / scale, y: (event.clientY - rect.top - y) / scale };
  }

  private readonly _edges = new Edges(moreThere, ' – drag to see it');
  private _camera: ICamera = { x: 0, y: 0, scale: 1 };
  private _free = false;
  private _jump = true;
  private _drawnAt = 0;
}

/** The scale at which a picture just fits into a place. */
export function fullScale(
  space: { readonly width: number; readonly height: number },
  picture: { readonly width: number; readonly height: number }
): number {
  const [width, height] = [space.width - 2 * MARGIN, space.height - 2 * MARGIN];
  return Math.min(width / Math.max(1, picture.width), height / Math.max(1, picture.height));
}

/** Offset of a picture of `length` in a space: centred if it fits, else with the focus in the middle. */
function place(space: number, length: number, focus: number | null): number {
  if (length + 2 * MARGIN <= space) {
    return (space - length) / 2;
  }
  return Math.max(space - length - MARGIN, Math.min(MARGIN, space / 2 - (focus ?? 0)));
}
