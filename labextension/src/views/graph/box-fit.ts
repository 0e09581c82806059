/** Which layout of functions suits a place: across or down, and how parts that have nothing in common share it. */

import type { IBoxLayout, IBoxSize, IPlacedBox, IPlacedFlow } from './box-layout';
import { layoutBoxes } from './box-layout';
import type { IFlow } from './flows';

interface ISpace {
  readonly width: number;
  readonly height: number;
}

/** Between parts of the graph that are not connected. */
const PART_GAP = 26;
/** Scales at which the width of the place is filled on trial. */
const TRIAL_SCALES = [1, 0.85, 0.7];
/** In a place narrower than this a picture may be higher than the place, for one pans down easily, but not wider. */
const NARROW_BELOW = 480;

/** The layout that is drawn largest in a place of the given size. */
export function layoutBoxesToFit(sizes: readonly IBoxSize[], flows: readonly IFlow[], space: ISpace): IBoxLayout {
  const narrow = space.width < NARROW_BELOW;
  const scaleOf = ({ width, height }: IBoxLayout): number =>
    Math.min(1, space.width / width, narrow ? 1 : space.height / height);
  let best: { layout: IBoxLayout; scale: number } | null = null;
  for (const vertical of [false, true]) {
    const parts = components(sizes, flows).map(part => layoutBoxes(part, flows, vertical));
    for (const trial of TRIAL_SCALES) {
      const layout = pack(parts, space.width / trial, vertical);
      const scale = scaleOf(layout);
      // what comes first is preferred: across, and as it is
      if (!best || scale > best.scale * 1.05) {
        best = { layout, scale };
      }
    }
  }
  return best!.layout;
}

/** The boxes, parted into sets between which nothing flows, in the order of their first function. */
export function components(sizes: readonly IBoxSize[], flows: readonly IFlow[]): IBoxSize[][] {
  const leader = new Map<number, number>(sizes.map(({ func }) => [func, func]));
  const find = (func: number): number => {
    let at = func;
    while (leader.get(at) !== at) {
      at = leader.get(at)!;
    }
    return at;
  };
  for (const { from, to } of flows) {
    if (leader.has(from) && leader.has(to)) {
      const [a, b] = [find(from), find(to)];
      leader.set(Math.max(a, b), Math.min(a, b));
    }
  }
  const parts = new Map<number, IBoxSize[]>();
  for (const size of sizes) {
    const key = find(size.func);
    parts.set(key, [...(parts.get(key) ?? []), size]);
  }
  return [...parts.values()];
}

/** Puts the parts into rows no wider than `widthMax`, unless a single part is. */
function pack(parts: readonly IBoxLayout[], widthMax: number, vertical: boolean): IBoxLayout {
  const rows: IBoxLayout[][] = [];
  let room = 0;
  for (const part of parts) {
    if (rows.length === 0 || part.width > room) {
      rows.push([]);
      room = widthMax;
    }
    rows[rows.length - 1].push(part);
    room -= part.width + PART_GAP;
  }
  const widthOf = (row: readonly IBoxLayout[]): number =>
    row.reduce((sum, part) => sum + part.width, 0) + PART_GAP * (row.length - 1);
  const width = Math.max(...rows.map(widthOf));
  const boxes = new Map<number, IPlacedBox>();
  const placed: IPlacedFlow[] = [];
  let y = 0;
  for (const row of rows) {
    let x = (width - widthOf(row)) / 2;
    const height = Math.max(...row.map(part => part.height));
    for (const part of row) {
      const [dx, dy] = [x, y + (height - part.height) / 2];
      part.boxes.forEach((box, func) => boxes.set(func, { ...box, x: box.x + dx, y: box.y + dy }));
      for (const { flow, points } of part.flows) {
        placed.push({ flow, points: points.map(point => ({ x: point.x + dx, y: point.y + dy })) });
      }
      x += part.width + PART_GAP;
    }
    y += height + PART_GAP;
  }
  return { boxes, flows: placed, width, height: y - PART_GAP, vertical };
}
