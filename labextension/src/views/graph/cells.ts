/** The cells of a function's box: how many, how large, and how each state looks. */

import { drawIcon } from '../ui/draw';
import { TaskState, TASK_STATES } from '../model/states';
import type { IPalette, IStateColours } from '../ui/theme';

/** Distances within a box: its border, the part above the cells, the part below. */
export const PAD = 10;
export const HEAD = 44;
const FOOT = 22;
const WIDTH_MAX = 216;
/** A box has room for this many cells, by how many tasks it has; it grows in steps, so that it rarely moves others. */
const CELL_STEPS: readonly { readonly cells: number; readonly pitch: number; readonly width: number }[] = [
  { cells: 10, pitch: 14, width: 160 },
  { cells: 20, pitch: 14, width: 160 },
  { cells: 42, pitch: 14, width: WIDTH_MAX },
  { cells: 76, pitch: 10.3, width: WIDTH_MAX },
  { cells: 190, pitch: 10.3, width: WIDTH_MAX },
  { cells: 336, pitch: 7, width: WIDTH_MAX },
  { cells: 576, pitch: 6.1, width: WIDTH_MAX }
];
/** A long name makes a box wider than its cells need. */
const NAME_CHARACTERS_NARROW = 9;

/** The grid of a box's cells. */
export interface IGrid {
  readonly cells: number;
  readonly pitch: number;
  readonly columns: number;
  readonly width: number;
}

/** The grid for so many tasks of a function of that name. */
export function gridFor(total: number, name: string): IGrid {
  const step = CELL_STEPS.find(({ cells }) => cells >= total) ?? CELL_STEPS[CELL_STEPS.length - 1];
  const width = name.length > NAME_CHARACTERS_NARROW ? WIDTH_MAX : step.width;
  return { ...step, width, columns: Math.floor((width - 2 * PAD + 1) / step.pitch) };
}

/** The height of a box with that grid. */
export function heightOf(grid: IGrid): number {
  return HEAD + Math.ceil(grid.cells / grid.columns) * grid.pitch + FOOT;
}

/**
 * Draws a cell: hollow while it waits, with the icon where it is large enough, a failed one always in sight. No two
 * states have one shape at any size: colour is never what tells them apart.
 */
export function drawCell(
  context: CanvasRenderingContext2D,
  state: number,
  { fill, mark }: IStateColours,
  x: number,
  y: number,
  size: number
): void {
  context.fillStyle = context.strokeStyle = fill;
  const hollow = state === TaskState.waiting || state === TaskState.cancelled;
  const small = size < 8;
  if (hollow || (small && state === TaskState.ready)) {
    // hollow: nothing has happened here yet, or nothing will
    context.globalAlpha = 0.35;
    context.fillRect(x, y, size, size);
    context.globalAlpha = 1;
    if (size > 8) {
      context.lineWidth = 1;
      context.strokeRect(x + 0.5, y + 0.5, size - 1, size - 1);
    }
  } else {
    context.fillRect(x, y, size, size);
  }
  if (size >= 11 || (!small && state !== TaskState.done && state !== TaskState.waiting)) {
    drawIcon(context, TASK_STATES[state], x + size / 2, y + size / 2, size * 1.25, hollow ? fill : mark);
  } else if (state === TaskState.ready) {
    context.fillRect(x, y + size / 2, size, size / 2);
  } else if (state === TaskState.cancelled) {
    context.fillRect(x, y + size * 0.4, size, size * 0.2);
  } else if (state === TaskState.running) {
    context.fillStyle = mark;
    context.fillRect(x + size * 0.3, y + size * 0.3, size * 0.4, size * 0.4);
  } else if (state === TaskState.failed) {
    // larger than its neighbours: one among hundreds must not be overlooked
    context.fillRect(x - 1, y - 1, size + 2, size + 2);
    drawIcon(context, 'failed', x + size / 2, y + size / 2, size * 1.6, mark);
  }
}

/** Folds a corner of a cell: one of its tasks was tried more than once. */
export function drawCorner(
  context: CanvasRenderingContext2D,
  { text, surface }: IPalette,
  x: number,
  y: number,
  size: number
): void {
  const side = Math.max(3, size * 0.45);
  context.beginPath();
  context.moveTo(x + size - side, y);
  context.lineTo(x + size, y);
  context.lineTo(x + size, y + side);
  context.closePath();
  context.fillStyle = text;
  context.fill();
  context.lineWidth = 0.8;
  context.strokeStyle = surface;
  context.stroke();
}
