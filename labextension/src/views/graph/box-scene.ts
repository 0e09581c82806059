/** The picture of functions: a box for each with its tasks as a waffle, arrows for what goes from one to another. */

import { layoutBoxesToFit } from './box-fit';
import type { IBoxLayout, IBoxSize, IPlacedBox, IPlacedFlow } from './box-layout';
import { drawFootText, drawHeadText, textSize } from './box-text';
import { drawCell, drawCorner, gridFor, HEAD, heightOf, PAD } from './cells';
import type { IViewContext } from '../context';
import { drawArrowHead } from '../ui/draw';
import { Flows } from './flows';
import { durationsOf } from '../model/durations';
import { formatCount, formatDuration, joined } from '../ui/format';
import type { Model } from '../model/model';
import type { IMarkedPath } from './path-toggle';
import { drawSelfFlow, selfFlowWords } from './self-flow';
import type { IPoint, IScene } from './stage';
import { TaskState } from '../model/states';
import type { IWaffle } from './waffle';
import { groupTotal, taskOfCell, waffle } from './waffle';

/** The order of states along the progress bar. */
const BAR_ORDER = [TaskState.done, TaskState.failed, TaskState.cancelled, TaskState.running, TaskState.ready];

/** Letters upon a flow, in units of the picture. */
const FLOW_SIZE = 11;

/** What is at a point: a function's box, and the task of the cell there if it is listed. */
export interface IBoxHit {
  readonly func: number;
  readonly task: number;
}

/** Shows all functions. */
export class BoxScene implements IScene {
  width = 0;
  height = 0;
  readonly scaleMin = 0.72;
  hovered = -1;
  selected = -1;
  path: IMarkedPath | null = null;

  constructor(private readonly _context: IViewContext) {}

  /** Takes in new tasks and a new size of the place. */
  update(space: { width: number; height: number }): void {
    const model = this._context.model();
    this._flows.sync(model, this._context.filter);
    const sizes: IBoxSize[] = [];
    for (let func = 0; func < model.counts.length; func++) {
      const total = groupTotal(model, func);
      if (total > 0) {
        const grid = gridFor(total, model.nameOf(func));
        sizes.push({ func, width: grid.width, height: heightOf(grid) });
      }
    }
    const key = `${this._flows.version}/${space.width}x${space.height}/${sizes.map(s => `${s.func}:${s.width}:${s.height}`).join()}`;
    if (key !== this._key) {
      this._key = key;
      const inner = { width: Math.max(60, space.width - 28), height: Math.max(60, space.height - 28) };
      this._layout = sizes.length > 0 ? layoutBoxesToFit(sizes, this._flows.between(), inner) : null;
      this.width = this._layout?.width ?? 0;
      this.height = this._layout?.height ?? 0;
    }
  }

  focus(): IPoint | null {
    const model = this._context.model();
    let best: IPoint | null = null;
    let most = 0;
    for (const box of this._layout?.boxes.values() ?? []) {
      const running = model.counts[box.func]?.[TaskState.running] ?? 0;
      if (running > most) {
        most = running;
        best = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
      }
    }
    return best;
  }

  /** What is at a point, or null. */
  hit({ x, y }: IPoint): IBoxHit | null {
    const model = this._context.model();
    for (const box of this._layout?.boxes.values() ?? []) {
      if (x < box.x || y < box.y || x > box.x + box.width || y > box.y + box.height) {
        continue;
      }
      const grid = gridFor(groupTotal(model, box.func), model.nameOf(box.func));
      const column = Math.floor((x - box.x - PAD) / grid.pitch);
      const row = Math.floor((y - box.y - HEAD) / grid.pitch);
      const cell = row * grid.columns + column;
      const inside = column >= 0 && column < grid.columns && row >= 0 && cell < grid.cells;
      const { tasksPerCell } = waffle(model, box.func, grid.cells);
      return { func: box.func, task: inside ? taskOfCell(model, box.func, cell, tasksPerCell) : -1 };
    }
    return null;
  }

  /** A function's box in words: its name, how far its tasks are, how long they take, whether it calls itself. */
  title(func: number): string {
    const model = this._context.model();
    const done = formatCount(model.counts[func]?.[TaskState.done] ?? 0);
    const { median } = durationsOf(model, func);
    const parts = [
      model.nameOf(func),
      `${done} of ${formatCount(groupTotal(model, func))} done`,
      median === null ? '' : `median ${formatDuration(median)}`,
      selfFlowWords(this._flows.within(func))
    ];
    return joined(parts, ' · ');
  }

  draw(context: CanvasRenderingContext2D, scale: number): boolean {
    this._layout?.flows.forEach(flow => this._drawFlow(context, flow, scale));
    this._layout?.boxes.forEach(box => this._drawBox(context, box, scale));
    return false;
  }

  private _drawFlow(context: CanvasRenderingContext2D, { flow, points }: IPlacedFlow, scale: number): void {
    const palette = this._context.palette();
    const marked = flow.from === this.hovered || flow.to === this.hovered;
    const critical = this.path?.flows.has(`${flow.from}/${flow.to}`) ?? false;
    context.strokeStyle = context.fillStyle = critical ? palette.text : marked ? palette.accent : palette.edge;
    context.lineWidth = Math.min(5, 1.2 + Math.log10(flow.count) * 0.9) + (critical ? 1.5 : 0);
    context.setLineDash(flow.call ? [3, 5] : []);
    context.beginPath();
    const last = points[points.length - 1];
    context.moveTo(points[0].x, points[0].y);
    for (let i = 1; i < points.length; i++) {
      this._drawStretch(context, points[i - 1], points[i], i % 2 === 1);
    }
    context.stroke();
    context.setLineDash([]);
    const before = points[points.length - 2];
    const back = this._layout!.vertical ? Math.sign(before.y - last.y) : Math.sign(before.x - last.x);
    drawArrowHead(
      context,
      this._layout!.vertical ? { x: last.x, y: last.y + back } : { x: last.x + back, y: last.y },
      last,
      9
    );
    const size = textSize(FLOW_SIZE, scale);
    if (size === 0) {
      return;
    }
    const label = formatCount(flow.count);
    const middle = { x: (points[0].x + points[1].x) / 2, y: (points[0].y + points[1].y) / 2 };
    context.font = `${size}px ${palette.font}`;
    context.textAlign = 'center';
    context.textBaseline = 'middle';
    const [width, height] = [context.measureText(label).width + 8, size + 5];
    context.fillStyle = palette.surface;
    context.beginPath();
    context.roundRect(middle.x - width / 2, middle.y - height / 2, width, height, 8);
    context.fill();
    context.fillStyle = palette.muted;
    context.fillText(label, middle.x, middle.y + 0.5);
  }

  /** Across the gap between two layers the line bends, through a layer it runs straight. */
  private _drawStretch(context: CanvasRenderingContext2D, from: IPoint, to: IPoint, gap: boolean): void {
    if (!gap) {
      context.lineTo(to.x, to.y);
    } else if (this._layout!.vertical) {
      const middle = (from.y + to.y) / 2;
      context.bezierCurveTo(from.x, middle, to.x, middle, to.x, to.y);
    } else {
      const middle = (from.x + to.x) / 2;
      context.bezierCurveTo(middle, from.y, middle, to.y, to.x, to.y);
    }
  }

  private _drawBox(context: CanvasRenderingContext2D, box: IPlacedBox, scale: number): void {
    const palette = this._context.palette();
    const model = this._context.model();
    const counts = model.counts[box.func] ?? [];
    const total = groupTotal(model, box.func);
    const marked = box.func === this.hovered || box.func === this.selected;
    context.beginPath();
    context.roundRect(box.x, box.y, box.width, box.height, 8);
    context.fillStyle = palette.raised;
    context.fill();
    const critical = this.path?.funcs.has(box.func) ?? false;
    context.lineWidth = critical ? 3 : marked ? 2 : 1;
    context.strokeStyle = critical ? palette.text : marked ? palette.accent : palette.border;
    context.stroke();
    const name = model.nameOf(box.func);
    const grid = gridFor(total, name);
    const { cells, tasksPerCell, again, retried } = this._waffle(model, box.func, grid.cells);
    const facts = { name, counts, total, retried, perCell: tasksPerCell };
    const own = this._flows.within(box.func);
    if (own) {
      drawSelfFlow(context, palette, box, own, scale);
    }
    drawHeadText(context, palette, box, facts, scale);
    this._drawBar(context, box, counts, total);
    const size = grid.pitch - (grid.pitch > 8 ? 2 : 1);
    cells.forEach((state, i) => {
      const x = box.x + PAD + (i % grid.columns) * grid.pitch;
      const y = box.y + HEAD + Math.floor(i / grid.columns) * grid.pitch;
      drawCell(context, state, palette.tasks[state], x, y, size);
      if (again[i]) {
        drawCorner(context, palette, x, y, size);
      }
    });
    drawFootText(context, palette, box, facts, scale);
  }

  /** The cells of a function; counted once for each message, however often they are drawn. */
  private _waffle(model: Model, func: number, cells: number): IWaffle {
    if (model !== this._counted || model.version !== this._countedVersion) {
      this._counted = model;
      this._countedVersion = model.version;
      this._waffles.clear();
    }
    let found = this._waffles.get(func);
    if (!found) {
      found = waffle(model, func, cells);
      this._waffles.set(func, found);
    }
    return found;
  }

  private _drawBar(context: CanvasRenderingContext2D, box: IPlacedBox, counts: readonly number[], total: number): void {
    const palette = this._context.palette();
    const inner = box.width - 2 * PAD;
    const bar = { x: box.x + PAD, y: box.y + 29, height: 6 };
    context.save();
    context.beginPath();
    context.roundRect(bar.x, bar.y, inner, bar.height, 3);
    context.clip();
    context.fillStyle = palette.border;
    context.fillRect(bar.x, bar.y, inner, bar.height);
    let x = bar.x;
    for (const state of BAR_ORDER) {
      const count = counts[state] ?? 0;
      // a state that is there at all is seen: two units at least
      const width = count > 0 ? Math.max(2, (count / Math.max(1, total)) * inner) : 0;
      context.fillStyle = palette.tasks[state].fill;
      context.fillRect(x, bar.y, width, bar.height);
      x += width;
    }
    context.restore();
  }

  private readonly _flows = new Flows();
  private readonly _waffles = new Map<number, IWaffle>();
  private _counted: Model | null = null;
  private _countedVersion = -1;
  private _layout: IBoxLayout | null = null;
  private _key = '';
}
