/**
 * Objects as tiles of proportional size in the room that they take of the store, the rest of which is free. A picture
 * only: the table beside it says the same in words.
 */

import type { IViewContext } from '../context';
import { CanvasPlace } from '../ui/canvas-place';
import { drawIcon, fitName } from '../ui/draw';
import { formatBytes } from '../ui/format';
import type { IObjectRow } from '../model/object-rows';
import type { IRect } from './squarify';
import { squarify } from './squarify';
import type { ITile } from './tiles';
import { roomFor, tilesOf } from './tiles';

/** A tile has at least this area: it can be seen, and hit. */
const AREA_MIN_PX = 196;
const TEXT_PX = 11;
/** Between the border of the store and what is written in its free part. */
const MARGIN = 6;

/** The canvas of tiles. */
export class Treemap extends CanvasPlace {
  constructor(
    private readonly _context: IViewContext,
    choose: (id: string) => void
  ) {
    super('treemap', { 'aria-hidden': 'true' });
    this.canvas.addEventListener('click', event => {
      const tile = this._at(event);
      if (tile && tile.id !== '') {
        choose(tile.id);
      }
    });
    this.canvas.addEventListener('pointermove', event => {
      const tile = this._at(event);
      this.canvas.title = tile ? `${tile.label}: ${formatBytes(tile.size)}, ${tile.state}` : '';
      this.mark(tile?.id ?? null);
    });
    this.canvas.addEventListener('pointerleave', () => this.mark(null));
  }

  update(): void {
    this._objects = this._context.filter.objects(this._context.feed.model);
    this.invalidate();
  }

  /** Highlights an object's tile, or none. */
  mark(id: string | null): void {
    if (id !== this._marked) {
      this._marked = id;
      this.invalidate();
    }
  }

  private _at(event: MouseEvent): ITile | null {
    const box = this.canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const i = this._rects.findIndex(r => x >= r.x && y >= r.y && x < r.x + r.width && y < r.y + r.height);
    return this._tiles[i] ?? null;
  }

  protected paint(context: CanvasRenderingContext2D): boolean {
    const { width, height } = this;
    const space = this._room(width, height);
    this._tiles = tilesOf(this._objects, AREA_MIN_PX / Math.max(1, space.width * space.height));
    this._rects = squarify(
      this._tiles.map(tile => tile.area),
      space
    );
    this._drawFree(context, space);
    this._tiles.forEach((tile, i) => this._drawTile(context, tile, this._rects[i]));
    return false;
  }

  /** The corner that the objects share: as large as they are in the store. */
  private _room(width: number, height: number): IRect {
    const tiles = tilesOf(this._objects);
    const area = (of: readonly ITile[]): number => of.reduce((sum, tile) => sum + tile.area, 0);
    const bytes = area(tiles.filter(tile => tile.state !== 'spilled')) || area(tiles); // on disk they fill nothing
    const { storeCapacityBytes } = this._context.feed.model.objectTotals;
    const least = Math.sqrt(AREA_MIN_PX / (width * height));
    const side = bytes > 0 ? Math.min(1, Math.max(least, Math.sqrt(roomFor(bytes, storeCapacityBytes)))) : 0;
    return { x: 0, y: height * (1 - side), width: width * side, height: height * side };
  }

  /** What is not taken by objects: its border, and how much it is. */
  private _drawFree(context: CanvasRenderingContext2D, room: IRect): void {
    const { width, height } = this;
    const { storeCapacityBytes: capacity, storeUsedBytes: used } = this._context.feed.model.objectTotals;
    const { border, muted, font } = this._context.palette();
    context.setLineDash([3, 3]);
    context.lineWidth = 1;
    context.strokeStyle = border;
    context.strokeRect(0.5, 0.5, width - 1, height - 1);
    context.setLineDash([]);
    if (capacity <= 0) {
      return;
    }
    context.font = `${TEXT_PX}px ${font}`;
    context.fillStyle = muted;
    context.textAlign = 'right';
    context.textBaseline = 'top';
    const free = formatBytes(Math.max(0, capacity - used));
    const beside = width - room.width - 2 * MARGIN;
    const above = room.y >= TEXT_PX + 2 * MARGIN ? width - 2 * MARGIN : 0;
    const text = [`${free} of ${formatBytes(capacity)} free`, `${free} free`].find(
      each => context.measureText(each).width <= Math.max(beside, above)
    );
    if (text) {
      context.fillText(text, width - MARGIN, MARGIN);
    }
  }

  private _drawTile(context: CanvasRenderingContext2D, tile: ITile, rect: IRect): void {
    const palette = this._context.palette();
    const colours = palette.objects[tile.state] ?? palette.objects.pending;
    const [x, y, width, height] = [rect.x + 1, rect.y + 1, rect.width - 2, rect.height - 2];
    if (width <= 0 || height <= 0) {
      return;
    }
    context.beginPath();
    context.roundRect(x, y, width, height, Math.min(4, width / 4, height / 4));
    context.fillStyle = colours.fill;
    context.fill();
    if (tile.id !== '' && tile.id === this._marked) {
      context.lineWidth = 2.5;
      context.strokeStyle = palette.text;
      context.stroke();
    }
    if (height >= 18) {
      this._drawTileText(context, tile, { x, y, width, height }, colours.mark);
    }
  }

  /** Icon, producer and size, each only where it can be read. */
  private _drawTileText(
    context: CanvasRenderingContext2D,
    tile: ITile,
    { x, y, width, height }: IRect,
    colour: string
  ): void {
    const { font } = this._context.palette();
    context.fillStyle = colour;
    context.textAlign = 'left';
    context.textBaseline = 'alphabetic';
    const icon = tile.id !== '' && width >= 20;
    if (icon) {
      drawIcon(context, tile.state, x + 12, y + 12, 15, colour);
    }
    const left = icon ? 22 : 6;
    context.font = `600 ${TEXT_PX}px ${font}`;
    const label = fitName(context, tile.label, width - left - 5);
    if (label === tile.label || label.length > 6) {
      context.fillText(label, x + left, y + 16);
    }
    context.font = `${TEXT_PX}px ${font}`;
    const size = formatBytes(tile.size);
    if (height >= 36 && context.measureText(size).width <= width - 10) {
      context.fillText(size, x + 6, y + 32);
    }
  }

  private _objects: readonly IObjectRow[] = [];
  private _tiles: ITile[] = [];
  private _rects: IRect[] = [];
  private _marked: string | null = null;
}
