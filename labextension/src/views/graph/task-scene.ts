/** The picture of single tasks: a mark for each, edges for the results handed over, captions by function. */

import { drawCaptions } from './captions';
import type { IViewContext } from '../context';
import { drawAgain, drawArc, drawEdge, drawMark } from '../ui/draw';
import { shorten } from '../ui/format';
import type { Layers } from './layers';
import { sourcesOf } from './layers';
import type { IMarkedPath } from './path-toggle';
import type { IPoint, IScene } from './stage';
import { TaskState, TASK_STATES } from '../model/states';
import { arrangeToFit } from './task-fit';
import type { ICluster, IPlacedCluster, ITaskLayout } from './task-layout';
import { clusterLayers, PITCH, tidyOrder } from './task-layout';
import { prefersLessMotion } from '../ui/theme';

const RADIUS = 10;
/** Marks glide to a new place with this time constant, in milliseconds. */
const GLIDE_MS = 110;
/** The order is tidied when no task has been listed for this time, in milliseconds. */
const QUIET_MS = 350;

/** What is not on the critical path stands aside. */
const ASIDE = 0.35;

interface IPlace {
  x: number;
  y: number;
  /** 0 when just listed, grows to 1. */
  size: number;
}

/** Shows `ids()`: all tasks, or the neighbourhood of one. */
export class TaskScene implements IScene {
  width = 0;
  height = 0;
  readonly scaleMin = 0.6;
  hovered = -1;
  selected = -1;
  path: IMarkedPath | null = null;

  constructor(
    private readonly _context: IViewContext,
    private readonly _layers: Layers,
    private readonly _ids: () => readonly number[],
    private readonly _invalidate: () => void
  ) {}

  /** Takes in new tasks and a new size of the place. */
  update(space: { width: number; height: number }): void {
    const { model } = this._context.feed;
    this._layers.sync(model); // a resize may come before the next update of the view
    const ids = this._ids();
    const { key: filter } = this._context.filter;
    const key = `${model.epoch}/${filter}/${ids.length}/${ids[ids.length - 1] ?? ''}`;
    if (model.epoch !== this._epoch) {
      this._epoch = model.epoch;
      this._places.clear(); // of other tasks
    }
    if (key !== this._key) {
      this._key = key;
      this._clusters = clusterLayers(model.tasks, ids, task => this._layers.of(task));
      this._place(space);
      this._tidyLater();
    } else if (space.width !== this._space.width || space.height !== this._space.height) {
      this._place(space);
    }
  }

  focus(): IPoint | null {
    const { tasks } = this._context.feed.model;
    let [x, y, count] = [0, 0, 0];
    for (const [task, place] of this._places) {
      if (tasks.state[task] === TaskState.running) {
        x += place.x;
        y += place.y;
        count += 1;
      }
    }
    return count > 0 ? { x: x / count, y: y / count } : null;
  }

  /** The task at a point, or -1. */
  hit({ x, y }: IPoint): number {
    for (const [task, place] of this._places) {
      if (Math.hypot(place.x - x, place.y - y) <= PITCH / 2) {
        return task;
      }
    }
    return -1;
  }

  draw(context: CanvasRenderingContext2D, scale: number, time: number): boolean {
    const gliding = this._glide(time);
    this._drawClusters(context);
    this._drawEdges(context);
    const captions = (this._layout?.clusters ?? []).map(cluster => ({
      ...this._extent(cluster),
      name: this._caption(cluster.func),
      count: cluster.tasks.length
    }));
    drawCaptions(context, this._context.palette(), captions, scale);
    const running = this._drawTasks(context, time);
    return gliding || (running && !prefersLessMotion());
  }

  dispose(): void {
    clearTimeout(this._timer);
  }

  private _place(space: { width: number; height: number }): void {
    this._space = { ...space };
    const { model } = this._context.feed;
    if (this._clusters.length === 0) {
      this._layout = null;
      this._places.clear();
      return;
    }
    const inner = { width: Math.max(60, space.width - 28), height: Math.max(60, space.height - 28) };
    const layout = arrangeToFit(model.tasks, this._clusters, inner, func => this._caption(func).length + 5);
    this._layout = layout;
    this._gridOf = new Map(layout.clusters.filter(c => c.grid).flatMap(c => c.tasks.map(task => [task, c] as const)));
    this.width = layout.width;
    this.height = layout.height;
    for (const task of [...this._places.keys()].filter(task => !layout.x.has(task))) {
      this._places.delete(task);
    }
    const still = prefersLessMotion();
    for (const [task, x] of layout.x) {
      const known = this._places.get(task);
      if (!known || still) {
        this._places.set(task, { x, y: layout.y.get(task)!, size: still ? 1 : 0 });
      }
    }
  }

  private _tidyLater(): void {
    clearTimeout(this._timer);
    this._timer = window.setTimeout(() => {
      tidyOrder(this._context.feed.model.tasks, this._clusters);
      this._place(this._space);
      this._invalidate();
    }, QUIET_MS);
  }

  private _caption(func: number): string {
    return shorten(this._context.feed.model.nameOf(func), 20);
  }

  private _glide(time: number): boolean {
    const part = 1 - Math.exp(-Math.min(100, time - this._drawnAt) / GLIDE_MS);
    this._drawnAt = time;
    let moving = false;
    for (const [task, place] of this._places) {
      const [x, y] = [this._layout!.x.get(task)!, this._layout!.y.get(task)!];
      const rest = Math.abs(x - place.x) + Math.abs(y - place.y) + (1 - place.size) * 10;
      if (rest < 0.3) {
        Object.assign(place, { x, y, size: 1 });
        continue;
      }
      place.x += (x - place.x) * part;
      place.y += (y - place.y) * part;
      place.size += (1 - place.size) * part;
      moving = true;
    }
    return moving;
  }

  private _drawClusters(context: CanvasRenderingContext2D): void {
    const palette = this._context.palette();
    context.fillStyle = palette.raised;
    for (const cluster of this._layout?.clusters ?? []) {
      const { x, y, width, height } = this._extent(cluster);
      context.beginPath();
      context.roundRect(x, y, width, height, PITCH / 2);
      context.fill();
    }
  }

  /** The box around a cluster as its marks stand now, on their way or not. */
  private _extent(cluster: ICluster): { x: number; y: number; width: number; height: number } {
    let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
    for (const task of cluster.tasks) {
      const place = this._places.get(task)!;
      left = Math.min(left, place.x);
      right = Math.max(right, place.x);
      top = Math.min(top, place.y);
      bottom = Math.max(bottom, place.y);
    }
    const pad = PITCH / 2;
    return { x: left - pad, y: top - pad, width: right - left + PITCH, height: bottom - top + PITCH };
  }

  private _drawEdges(context: CanvasRenderingContext2D): void {
    const palette = this._context.palette();
    const { tasks } = this._context.feed.model;
    const marked = this.hovered >= 0 ? this.hovered : this.selected;
    for (const pass of marked >= 0 ? ['plain', 'marked'] : ['plain']) {
      for (const [task, to] of this._places) {
        const parent = tasks.parent[task];
        for (const source of sourcesOf(tasks, task)) {
          const from = this._places.get(source);
          const near = source === marked || task === marked;
          if (!from || near !== (pass === 'marked')) {
            continue;
          }
          const call = source === parent && !tasks.depsOf(task).includes(source);
          const made = tasks.state[source] === TaskState.done;
          const critical = this.path?.edges.has(`${source}/${task}`) ?? false;
          const plain = (made ? 0.75 : 0.4) * Math.min(from.size, to.size) * (this.path ? ASIDE : 1);
          context.strokeStyle = context.fillStyle = critical ? palette.text : near ? palette.accent : palette.edge;
          context.globalAlpha = near || critical ? 1 : plain;
          context.lineWidth = critical ? 3 : near ? 2 : 1.1;
          context.setLineDash(call ? [2, 4] : []);
          drawEdge(
            context,
            this._layout!.vertical,
            RADIUS + 1,
            this._anchor(source, from, near, 1),
            this._anchor(task, to, near, -1)
          );
        }
      }
    }
    context.globalAlpha = 1;
    context.setLineDash([]);
  }

  /** Where an edge meets a task: at its mark; at the border of its grid, unless the edge is a chosen one. */
  private _anchor(task: number, place: IPlace, exact: boolean, side: 1 | -1): IPoint {
    const grid = this._gridOf.get(task);
    if (!grid || exact) {
      return place;
    }
    const inset = PITCH / 2;
    if (this._layout!.vertical) {
      return { x: place.x, y: side > 0 ? grid.y + grid.height - inset : grid.y + inset };
    }
    return { x: side > 0 ? grid.x + grid.width - inset : grid.x + inset, y: place.y };
  }

  private _drawTasks(context: CanvasRenderingContext2D, time: number): boolean {
    const palette = this._context.palette();
    const { tasks } = this._context.feed.model;
    const turn = prefersLessMotion() ? 0 : (time / 900) % (2 * Math.PI);
    let running = false;
    for (const [task, { x, y, size }] of this._places) {
      const state = tasks.state[task];
      const colours = palette.tasks[state];
      const radius = RADIUS * (0.4 + 0.6 * size);
      context.globalAlpha = this.path && !this.path.tasks.has(task) ? ASIDE : 1;
      if (state === TaskState.running) {
        running = true;
        drawArc(context, x, y, radius + 2.6, [turn * 2, turn * 2 + 4.4], 1.8, colours.fill);
      }
      const inner = state === TaskState.running ? radius - 0.5 : radius;
      drawMark(context, TASK_STATES[state], colours, palette.surface, x, y, inner);
      if (tasks.attempt[task] > 0) {
        drawAgain(context, palette, x + radius * 0.8, y - radius * 0.8);
      }
      context.globalAlpha = 1;
      if (task === this.selected || task === this.hovered) {
        drawArc(context, x, y, radius + 4, [0, 2 * Math.PI], 2, palette.accent);
      }
    }
    return running;
  }

  private _epoch = -1;
  private _key = '';
  private _clusters: ICluster[][] = [];
  private _layout: ITaskLayout | null = null;
  private _gridOf = new Map<number, IPlacedCluster>();
  private _space = { width: 0, height: 0 };
  private readonly _places = new Map<number, IPlace>();
  private _drawnAt = 0;
  private _timer = 0;
}
