/**
 * The graph of functions: which function's results go to which, how often, and where its boxes stand.
 *
 * A box is a function; an arrow says that tasks of one function take results of another (or, dotted, that one
 * submits the other). There are few functions, so their graph can be laid out with care.
 */

import type { IFlow } from './flows';
import type { ISpreadItem } from './spread';
import { spread } from './spread';

export interface IBoxSize {
  readonly func: number;
  readonly width: number;
  readonly height: number;
}

export interface IPlacedBox extends IBoxSize {
  /** Upper left corner. */
  readonly x: number;
  readonly y: number;
}

export interface IPlacedFlow {
  readonly flow: IFlow;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

export interface IBoxLayout {
  readonly boxes: ReadonlyMap<number, IPlacedBox>;
  readonly flows: readonly IPlacedFlow[];
  readonly width: number;
  readonly height: number;
  readonly vertical: boolean;
}

/** A box, or a bend of a flow that passes a layer of boxes on its way. */
interface INode extends ISpreadItem {
  readonly func: number;
  readonly rank: number;
  /** Extent along the flow. */
  readonly length: number;
  readonly sources: INode[];
  readonly targets: INode[];
  centre: number;
}

const RANK_GAP = 52;
const NODE_GAP = 20;
/** Room of a flow that passes between boxes. */
const BEND_SIZE = 26;
const SWEEPS = 8;
/** A flow back runs beside the one forth. */
const BACKWARD_SHIFT = 20;

/** Lays out boxes with arrows from left to right, or from top to bottom: in layers, as straight as can be. */
export function layoutBoxes(sizes: readonly IBoxSize[], flows: readonly IFlow[], vertical: boolean): IBoxLayout {
  const known = new Set(sizes.map(size => size.func));
  const drawn = flows.filter(flow => known.has(flow.from) && known.has(flow.to));
  const { ranks, backward } = rankBoxes([...known], drawn);
  const layers: INode[][] = [];
  const nodes = new Map<number, INode>();
  for (const { func, width, height } of sizes) {
    const node = newNode(func, ranks.get(func)!, vertical ? width : height, vertical ? height : width);
    nodes.set(func, node);
    (layers[node.rank] ??= []).push(node);
  }
  const paths = drawn.map(flow => connect(flow, nodes, layers, backward.has(flow)));
  orderLayers(layers);
  const starts = layerStarts(layers);
  const low = Math.min(...layers.flat().map(node => node.centre - node.size / 2));
  const high = Math.max(...layers.flat().map(node => node.centre + node.size / 2));
  const at = (main: number, cross: number): IPoint2 =>
    vertical ? { x: cross - low, y: main } : { x: main, y: cross - low };
  const boxes = new Map<number, IPlacedBox>();
  for (const size of sizes) {
    const node = nodes.get(size.func)!;
    const layer = starts[node.rank];
    boxes.set(size.func, {
      ...size,
      ...at(layer.start + (layer.length - node.length) / 2, node.centre - node.size / 2)
    });
  }
  const placed = drawn.map((flow, i) => ({ flow, points: pathPoints(paths[i], starts, backward.has(flow), at) }));
  const last = starts[starts.length - 1];
  const extent = at(last.start + last.length, high);
  return { boxes, flows: placed, width: extent.x, height: extent.y, vertical };
}

interface IPoint2 {
  readonly x: number;
  readonly y: number;
}

function newNode(func: number, rank: number, size: number, length: number): INode {
  return { func, rank, size, length, before: NODE_GAP / 2, after: NODE_GAP / 2, sources: [], targets: [], centre: 0 };
}

/** The layer of every box: behind all it comes from. Flows that would close a circle run backward. */
function rankBoxes(
  funcs: readonly number[],
  flows: readonly IFlow[]
): { ranks: Map<number, number>; backward: Set<IFlow> } {
  const outgoing = new Map<number, IFlow[]>(funcs.map(func => [func, []]));
  flows.forEach(flow => outgoing.get(flow.from)!.push(flow));
  const backward = new Set<IFlow>();
  const open = new Set<number>();
  const finished: number[] = [];
  const seen = new Set<number>();
  const visit = (func: number): void => {
    seen.add(func);
    open.add(func);
    for (const flow of outgoing.get(func)!) {
      if (open.has(flow.to)) {
        backward.add(flow);
      } else if (!seen.has(flow.to)) {
        visit(flow.to);
      }
    }
    open.delete(func);
    finished.push(func);
  };
  funcs.forEach(func => !seen.has(func) && visit(func));
  const ranks = new Map<number, number>(funcs.map(func => [func, 0]));
  const order = finished.reverse();
  const forward = (func: number): IFlow[] => outgoing.get(func)!.filter(flow => !backward.has(flow));
  for (const func of order) {
    forward(func).forEach(flow => ranks.set(flow.to, Math.max(ranks.get(flow.to)!, ranks.get(func)! + 1)));
  }
  // a box without sources stands right before its first target, not far off at the beginning
  const fed = new Set(flows.filter(flow => !backward.has(flow)).map(flow => flow.to));
  for (const func of order) {
    const targets = forward(func).map(flow => ranks.get(flow.to)!);
    if (!fed.has(func) && targets.length > 0) {
      ranks.set(func, Math.min(...targets) - 1);
    }
  }
  return { ranks, backward };
}

/** Links two boxes, with a bend in every layer between. Returns the chain in the direction of the layers. */
function connect(flow: IFlow, nodes: Map<number, INode>, layers: INode[][], backward: boolean): INode[] {
  const [first, last] = [nodes.get(flow.from)!, nodes.get(flow.to)!];
  const [start, end] = backward ? [last, first] : [first, last];
  const chain = [start];
  for (let rank = start.rank + 1; rank < end.rank; rank++) {
    const bend = newNode(-1, rank, BEND_SIZE, 0);
    (layers[rank] ??= []).push(bend);
    chain.push(bend);
  }
  chain.push(end);
  for (let i = 1; i < chain.length; i++) {
    chain[i - 1].targets.push(chain[i]);
    chain[i].sources.push(chain[i - 1]);
  }
  return chain;
}

/** Orders each layer by the mean place of its neighbours, there and back, and gives every node its centre. */
function orderLayers(layers: INode[][]): void {
  const mean = (others: readonly INode[], own: number): number =>
    others.length > 0 ? others.reduce((sum, node) => sum + node.centre, 0) / others.length : own;
  const move = (layer: INode[], wanted: number[]): void =>
    spread(layer, wanted).forEach((centre, i) => (layer[i].centre = centre));
  layers.forEach(layer =>
    move(
      layer,
      layer.map(() => 0)
    )
  );
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const forward = sweep % 2 === 0;
    for (const layer of forward ? layers : [...layers].reverse()) {
      const wanted = new Map(layer.map(node => [node, mean(forward ? node.sources : node.targets, node.centre)]));
      layer.sort((a, b) => wanted.get(a)! - wanted.get(b)!);
      move(
        layer,
        layer.map(node => wanted.get(node)!)
      );
    }
  }
}

function layerStarts(layers: INode[][]): { start: number; length: number }[] {
  let start = 0;
  return layers.map(layer => {
    const length = Math.max(...layer.map(node => node.length));
    const placed = { start, length };
    start += length + RANK_GAP;
    return placed;
  });
}

/** The way of a flow: out of a box, straight through every layer between, into the other. */
function pathPoints(
  chain: readonly INode[],
  layers: readonly { start: number; length: number }[],
  backward: boolean,
  at: (main: number, cross: number) => IPoint2
): IPoint2[] {
  const points: IPoint2[] = [];
  const shift = backward ? BACKWARD_SHIFT : 0;
  for (const node of chain) {
    const { start, length } = layers[node.rank];
    const [near, far] = [start + (length - node.length) / 2, start + (length + node.length) / 2];
    if (node !== chain[0]) {
      points.push(at(node.func < 0 ? start : near, node.centre + shift));
    }
    if (node !== chain[chain.length - 1]) {
      points.push(at(node.func < 0 ? start + length : far, node.centre + shift));
    }
  }
  return backward ? points.reverse() : points;
}
