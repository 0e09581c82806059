/** The captions above the clusters of single tasks: a function's name, and how many tasks. */

import { TEXT_MIN_PX } from './box-text';
import { fitName } from '../ui/draw';
import type { IPalette } from '../ui/theme';

/** Letters in units of the picture: as designed, and how large there is room for. */
const SIZE = 11.5;
const SIZE_MAX = 19;
const WIDTH_MIN = 120;
const OVERHANG = 34;

export interface ICaption {
  readonly name: string;
  readonly count: number;
  /** Of the cluster: its left and upper side, and its width. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

/** Draws captions above the edges, with a halo that keeps them apart; none where they would be too small to read. */
export function drawCaptions(
  context: CanvasRenderingContext2D,
  palette: IPalette,
  captions: readonly ICaption[],
  scale: number
): void {
  const size = Math.max(SIZE, TEXT_MIN_PX / scale);
  if (size > SIZE_MAX) {
    return;
  }
  const [bold, normal] = [`600 ${size}px ${palette.font}`, `${size}px ${palette.font}`];
  context.textAlign = 'left';
  context.textBaseline = 'alphabetic';
  context.lineJoin = 'round';
  context.strokeStyle = palette.surface;
  context.lineWidth = 4;
  for (const { name, count, x, y, width } of captions) {
    const counted = count > 1 ? ` × ${count}` : '';
    context.font = normal;
    const countWidth = context.measureText(counted).width;
    context.font = bold;
    const fitted = fitName(context, name, Math.max(width + OVERHANG - countWidth, WIDTH_MIN));
    const nameWidth = context.measureText(fitted).width;
    const left = x + width / 2 - (nameWidth + countWidth) / 2;
    context.font = normal;
    context.strokeText(counted, left + nameWidth, y - 6);
    context.fillStyle = palette.muted;
    context.fillText(counted, left + nameWidth, y - 6);
    context.font = bold;
    context.strokeText(fitted, left, y - 6);
    context.fillStyle = palette.text;
    context.fillText(fitted, left, y - 6);
  }
}
