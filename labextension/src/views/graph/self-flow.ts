/**
 * A function that calls itself, or takes its own results: an arrow from its box back into it.
 *
 * It is drawn like the arrows between boxes (dotted where only a call is told of), and not round: round arrows say
 * that a task was tried again.
 */

import type { IPlacedBox } from './box-layout';
import { textSize } from './box-text';
import type { IFlow } from './flows';
import { drawArrowHead } from '../ui/draw';
import { formatCount, plural } from '../ui/format';
import type { IPalette } from '../ui/theme';

/** Where the arrow stands above the box, from its right side, and how wide and high it is. */
const RIGHT = 16;
const WIDTH = 24;
const HEIGHT = 12;
const CORNER = 6;
const TIP = 7;
const SIZE = 11;

/** Draws the arrow, and beside it how often. */
export function drawSelfFlow(
  context: CanvasRenderingContext2D,
  palette: IPalette,
  box: IPlacedBox,
  flow: IFlow,
  scale: number
): void {
  const to = box.x + box.width - RIGHT;
  const [from, top] = [to - WIDTH, box.y - HEIGHT];
  context.strokeStyle = context.fillStyle = palette.edge;
  context.lineWidth = 1.6;
  context.setLineDash(flow.call ? [3, 4] : []);
  context.beginPath();
  context.moveTo(from, box.y);
  context.arcTo(from, top, from + CORNER, top, CORNER);
  context.arcTo(to, top, to, top + CORNER, CORNER);
  context.lineTo(to, box.y - TIP);
  context.stroke();
  context.setLineDash([]);
  drawArrowHead(context, { x: to, y: top }, { x: to, y: box.y }, TIP);
  const size = textSize(SIZE, scale);
  if (size > 0) {
    context.font = `${size}px ${palette.font}`;
    context.textAlign = 'right';
    context.textBaseline = 'alphabetic';
    context.fillStyle = palette.muted;
    context.fillText(formatCount(flow.count), from - 5, box.y - 4);
  }
}

/** The same in words, for the tooltip; "" where nothing of the kind is known. */
export function selfFlowWords(flow: IFlow | undefined): string {
  if (!flow) {
    return '';
  }
  return flow.call
    ? `calls itself ${plural(flow.count, 'time')}`
    : `takes its own results ${plural(flow.count, 'time')}`;
}
