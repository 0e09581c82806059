/**
 * Where each task stands in the picture of single tasks.
 *
 * Tasks flow along the *main* axis (left to right; top to bottom in a tall, narrow place) in layers. Within a
 * layer, the tasks of one function form a *cluster* with one caption, spread along the *cross* axis; those of
 * different recursions stand apart (`trees.ts`). A cluster with more than `wrap` tasks becomes a grid, so that a wide
 * map still fits the screen; it is filled along the flow first, so that neighbours stay near each other.
 *
 * While tasks arrive they are appended in the order of submission; {@link tidyOrder}, run when all is quiet,
 * sorts clusters and tasks by their neighbours to untangle the edges.
 */

import { sourcesOf } from './layers';
import type { ISpreadItem } from './spread';
import { distance, spread } from './spread';
import type { TaskTable } from '../model/tasks';
import { recursions } from './trees';

/** Distance of two tasks in world units. */
export const PITCH = 30;
/** Room for a cluster's caption. */
const CAPTION = 20;
/** Room for the edges between two layers. */
const LAYER_GAP = 58;
const CLUSTER_GAP = 16;
/** An odd number, so that the last sweep runs with the flow: what comes from one task then stands together. */
const SWEEPS = 5;
const CHARACTER_WIDTH = 6.4;
const CAPTION_CHARACTERS_MAX = 20;

export interface ICluster {
  readonly func: number;
  readonly layer: number;
  tasks: number[];
}

export interface IPlacedCluster extends ICluster {
  /** Box around the tasks, without the caption. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** Laid out as a grid: edges end at its border, not at each task. */
  readonly grid: boolean;
}

export interface ITaskLayout {
  readonly x: ReadonlyMap<number, number>;
  readonly y: ReadonlyMap<number, number>;
  readonly clusters: readonly IPlacedCluster[];
  readonly width: number;
  readonly height: number;
  readonly vertical: boolean;
}

/** The clusters of some tasks, layer by layer, everything in the order of submission. Empty layers vanish. */
export function clusterLayers(
  tasks: TaskTable,
  ids: readonly number[],
  layerOf: (task: number) => number
): ICluster[][] {
  const byLayer = new Map<number, Map<string, ICluster>>();
  const trees = recursions(tasks, ids, layerOf);
  for (const task of ids) {
    const layer = layerOf(task);
    const clusters = byLayer.get(layer) ?? new Map<string, ICluster>();
    byLayer.set(layer, clusters);
    const key = `${tasks.func[task]}/${trees.get(task) ?? ''}`;
    const cluster = clusters.get(key) ?? { func: tasks.func[task], layer, tasks: [] };
    clusters.set(key, cluster);
    cluster.tasks.push(task);
  }
  return [...byLayer.keys()].sort((a, b) => a - b).map(layer => [...byLayer.get(layer)!.values()]);
}

/** Sorts clusters and their tasks, in place, by the mean place of their neighbours, there and back. */
export function tidyOrder(tasks: TaskTable, layers: ICluster[][]): void {
  const place = new Map<number, number>();
  const number = (clusters: ICluster[]): void => {
    const total = clusters.reduce((sum, cluster) => sum + cluster.tasks.length, 0);
    let next = 0;
    // places run from 0 to 1 in every layer, so that layers of unlike size compare
    clusters.forEach(cluster => cluster.tasks.forEach(task => place.set(task, (next++ + 0.5) / total)));
  };
  layers.forEach(number);
  const [sources, targets] = neighbours(tasks, layers);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const forward = sweep % 2 === 0;
    for (const clusters of forward ? layers : [...layers].reverse()) {
      const mean = meanPlace(forward ? sources : targets, place);
      clusters.forEach(cluster => cluster.tasks.sort((a, b) => mean(a) - mean(b) || a - b));
      const centre = new Map(clusters.map(c => [c, c.tasks.reduce((sum, t) => sum + mean(t), 0) / c.tasks.length]));
      clusters.sort((a, b) => centre.get(a)! - centre.get(b)! || a.tasks[0] - b.tasks[0]);
      number(clusters);
    }
  }
}

function meanPlace(neighboursOf: Map<number, number[]>, place: Map<number, number>): (task: number) => number {
  return task => {
    const others = neighboursOf.get(task);
    return others?.length ? others.reduce((sum, t) => sum + place.get(t)!, 0) / others.length : place.get(task)!;
  };
}

function neighbours(tasks: TaskTable, layers: ICluster[][]): [Map<number, number[]>, Map<number, number[]>] {
  const sources = new Map<number, number[]>();
  const targets = new Map<number, number[]>();
  const all = layers.flat().flatMap(cluster => cluster.tasks);
  all.forEach(task => targets.set(task, []));
  for (const task of all) {
    const known = sourcesOf(tasks, task).filter(source => targets.has(source));
    sources.set(task, known);
    known.forEach(source => targets.get(source)!.push(task));
  }
  return [sources, targets];
}

/** A thing with an extent along the cross axis: one task, or a whole grid. */
interface IItem extends ISpreadItem {
  readonly cluster: ICluster;
  readonly tasks: readonly number[];
  centre: number;
}

/** Lays out ordered layers. `captions` gives the length of each function's caption in characters. */
export function arrange(
  tasks: TaskTable,
  layers: ICluster[][],
  wrap: number,
  vertical: boolean,
  captions: (func: number) => number
): ITaskLayout {
  const captionWidth = (c: ICluster): number => Math.min(CAPTION_CHARACTERS_MAX, captions(c.func)) * CHARACTER_WIDTH;
  const items = layers.map(clusters => clusters.flatMap(c => itemsOf(c, wrap, vertical, captionWidth(c))));
  settle(tasks, layers, items);
  const cross = new Map<number, number>();
  const main = new Map<number, number>();
  let edge = 0;
  const placed: IPlacedCluster[] = [];
  for (const row of items) {
    const lines = Math.max(...row.map(item => Math.ceil(item.tasks.length / wrap)));
    const caption = vertical ? 0 : Math.max(...row.map(item => captionWidth(item.cluster)));
    const extent = Math.max(lines * PITCH, caption);
    const start = edge + (vertical ? CAPTION : 0);
    row.forEach(item => placeItem(item, wrap, start + extent / 2, main, cross));
    placed.push(...boxes(row, wrap, main, cross, vertical));
    edge = start + extent + LAYER_GAP - (vertical ? CAPTION : 0);
  }
  return normalised(main, cross, placed, vertical, captionWidth);
}

function itemsOf(cluster: ICluster, wrap: number, vertical: boolean, captionWidth: number): IItem[] {
  const { tasks } = cluster;
  const grid = tasks.length > wrap;
  const size = (grid ? wrap : 1) * PITCH;
  const extent = grid ? size : tasks.length * PITCH;
  const spare = vertical ? Math.max(0, captionWidth - extent) / 2 : 0;
  const head = spare + (vertical ? CLUSTER_GAP / 2 : CAPTION + CLUSTER_GAP / 2);
  const tail = spare + CLUSTER_GAP / 2;
  if (grid) {
    return [{ cluster, tasks, size, before: head, after: tail, centre: 0 }];
  }
  const last = tasks.length - 1;
  return tasks.map((task, i) => ({
    cluster,
    tasks: [task],
    size,
    before: i === 0 ? head : 0,
    after: i === last ? tail : 0,
    centre: 0
  }));
}

/** Gives every item a centre near the mean of its neighbours' centres, without overlaps. */
function settle(tasks: TaskTable, layers: ICluster[][], items: IItem[][]): void {
  const itemOf = new Map<number, IItem>();
  items.flat().forEach(item => item.tasks.forEach(task => itemOf.set(task, item)));
  const [sources, targets] = neighbours(tasks, layers);
  const move = (row: IItem[], wanted: number[]): void =>
    spread(row, wanted).forEach((centre, i) => (row[i].centre = centre));
  items.forEach(row =>
    move(
      row,
      row.map(() => 0)
    )
  );
  for (let pass = 0; pass < 6; pass++) {
    const forward = pass % 2 === 0;
    const next = forward ? sources : targets;
    for (const row of forward ? items : [...items].reverse()) {
      const wanted = row.map(item => {
        const others = item.tasks.flatMap(task => next.get(task)!.map(other => itemOf.get(other)!.centre));
        return others.length ? others.reduce((a, b) => a + b, 0) / others.length : item.centre;
      });
      move(row, wanted);
    }
  }
  const alone = (item: IItem): boolean =>
    item.tasks.every(task => !sources.get(task)!.length && !targets.get(task)!.length);
  items.forEach(row => gather(row, alone));
}

/** Nothing pulls at what has no edges: move it next to its neighbour in the row, so that it does not float far off. */
function gather(row: IItem[], alone: (item: IItem) => boolean): void {
  const anchor = row.findIndex(item => !alone(item));
  for (let i = anchor - 1; i >= 0; i--) {
    row[i].centre = row[i + 1].centre - distance(row[i], row[i + 1]);
  }
  for (let i = Math.max(0, anchor) + 1; i < row.length; i++) {
    if (alone(row[i])) {
      row[i].centre = row[i - 1].centre + distance(row[i - 1], row[i]);
    }
  }
}

function placeItem(
  item: IItem,
  wrap: number,
  middle: number,
  main: Map<number, number>,
  cross: Map<number, number>
): void {
  const lines = Math.ceil(item.tasks.length / wrap);
  const rows = Math.ceil(item.tasks.length / lines);
  const top = item.centre - (rows * PITCH) / 2;
  item.tasks.forEach((task, i) => {
    main.set(task, middle + ((i % lines) - (lines - 1) / 2) * PITCH);
    cross.set(task, top + (Math.floor(i / lines) + 0.5) * PITCH);
  });
}

function boxes(
  row: IItem[],
  wrap: number,
  main: Map<number, number>,
  cross: Map<number, number>,
  vertical: boolean
): IPlacedCluster[] {
  return [...new Set(row.map(item => item.cluster))].map(cluster => {
    const mains = cluster.tasks.map(task => main.get(task)!);
    const crosses = cluster.tasks.map(task => cross.get(task)!);
    const low = (values: number[]): number => Math.min(...values) - PITCH / 2;
    const span = (values: number[]): number => Math.max(...values) - Math.min(...values) + PITCH;
    const [x, y] = vertical ? [crosses, mains] : [mains, crosses];
    return { ...cluster, x: low(x), y: low(y), width: span(x), height: span(y), grid: cluster.tasks.length > wrap };
  });
}

/** Moves everything so that the picture begins at the origin, captions included. */
function normalised(
  main: Map<number, number>,
  cross: Map<number, number>,
  clusters: IPlacedCluster[],
  vertical: boolean,
  captionWidth: (cluster: ICluster) => number
): ITaskLayout {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const c of clusters) {
    const half = Math.max(c.width, captionWidth(c)) / 2;
    left = Math.min(left, c.x + c.width / 2 - half);
    right = Math.max(right, c.x + c.width / 2 + half);
    top = Math.min(top, c.y - CAPTION);
    bottom = Math.max(bottom, c.y + c.height);
  }
  const shift = (values: Map<number, number>, by: number): Map<number, number> =>
    new Map([...values].map(([task, value]) => [task, value - by]));
  return {
    x: shift(vertical ? cross : main, left),
    y: shift(vertical ? main : cross, top),
    clusters: clusters.map(c => ({ ...c, x: c.x - left, y: c.y - top })),
    width: Math.max(0, right - left),
    height: Math.max(0, bottom - top),
    vertical
  };
}
