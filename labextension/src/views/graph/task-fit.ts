/** Which layout of tasks suits a place: across or down, with or without grids. */

import type { ICluster, ITaskLayout } from './task-layout';
import { arrange } from './task-layout';
import type { TaskTable } from '../model/tasks';

/** Nothing is drawn larger than this. */
const SCALE_FULL = 1.15;
/** At this scale everything can be read well: no need to look for a larger picture. */
const SCALE_GOOD = 0.72;
/** Longest sides of grids that are tried, and what the picture from top to bottom is worth against the other. */
const WRAPS = [24, 16, 12, 8, 6, 4];
const VERTICAL_WORTH = 0.8;

/**
 * The layout that is drawn largest in a place of the given size. Without grids if that is large enough to be
 * read; from left to right unless the place is much taller than wide.
 */
export function arrangeToFit(
  tasks: TaskTable,
  layers: ICluster[][],
  space: { width: number; height: number },
  captions: (func: number) => number
): ITaskLayout {
  const largest = Math.max(1, ...layers.flat().map(cluster => cluster.tasks.length));
  const scaleOf = (layout: ITaskLayout): number =>
    Math.min(SCALE_FULL, space.width / layout.width, space.height / layout.height);
  const plain = arrange(tasks, layers, largest, false, captions);
  if (scaleOf(plain) >= SCALE_GOOD) {
    return plain;
  }
  let best = { layout: plain, worth: scaleOf(plain) };
  for (const vertical of space.height > space.width ? [false, true] : [false]) {
    for (const wrap of [largest, ...WRAPS.filter(side => side < largest)]) {
      const layout = arrange(tasks, layers, wrap, vertical, captions);
      const worth = scaleOf(layout) * (vertical ? VERTICAL_WORTH : 1) * (wrap === largest ? 1.2 : 1);
      if (worth > best.worth) {
        best = { layout, worth };
      }
    }
  }
  return best.layout;
}
