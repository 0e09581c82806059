/** Draws where the arguments of a chosen task came from: why it began when it did. */

import { drawArrowHead } from '../ui/draw';
import { endOf } from '../model/spans';
import type { ITimelinePicture } from './timeline-draw';
import { xOf } from './timeline-draw';

const ARROWS_MAX = 60;
const HEAD_PX = 7;

/** Arrows to the chosen task, or to the one under the pointer, from the ends of those whose results it takes. */
export function drawArrows(context: CanvasRenderingContext2D, picture: ITimelinePicture): void {
  const { model, palette, gutter, width, now } = picture;
  const task = picture.selected >= 0 ? picture.selected : picture.hovered;
  const to = task >= 0 && task < model.tasks.length && model.tasks.start[task] > 0 ? heightOf(picture, task) : null;
  if (to === null) {
    return;
  }
  const right = xOf(picture, model.tasks.start[task]);
  context.save();
  context.beginPath();
  context.rect(gutter, 0, width - gutter, picture.layout.top + picture.layout.height);
  context.clip();
  context.strokeStyle = context.fillStyle = palette.text;
  context.lineWidth = 1.5;
  for (const dep of [...new Set(model.tasks.depsOf(task))].slice(0, ARROWS_MAX)) {
    const from = dep >= 0 && dep < task && model.tasks.start[dep] > 0 ? heightOf(picture, dep) : null;
    if (from !== null) {
      drawArrow(context, xOf(picture, endOf(model, dep, now)), from, right, to);
    }
  }
  context.restore();
}

function drawArrow(context: CanvasRenderingContext2D, x1: number, y1: number, x2: number, y2: number): void {
  const bend = Math.max(12, (x2 - x1) / 2);
  context.beginPath();
  context.moveTo(x1, y1);
  context.bezierCurveTo(x1 + bend, y1, x2 - bend, y2, x2, y2);
  context.stroke();
  drawArrowHead(context, { x: x2 - 1, y: y2 }, { x: x2, y: y2 }, HEAD_PX);
  context.beginPath();
  context.arc(x1, y1, 2.5, 0, 2 * Math.PI);
  context.fill();
}

/** The height of the middle of a task's span, or `null` if it is in no row. */
function heightOf({ layout, model }: ITimelinePicture, task: number): number | null {
  const place = layout.rows.find(({ row }) => row.worker === model.tasks.worker[task]);
  const at = place ? place.row.tasks.indexOf(task) : -1;
  if (!place || at < 0) {
    return null;
  }
  return place.y + ((place.row.lanes[at] + 0.5) * place.height) / place.row.laneCount;
}
