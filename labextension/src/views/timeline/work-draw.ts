/** Draws what took time and is no task: below the tasks in a worker's row, alone in a node's. */

import type { ITimelineRow } from '../model/spans';
import type { ITimelinePicture } from './timeline-draw';
import { xOf } from './timeline-draw';
import type { IRowPlace, ITimelineLayout } from './timeline-layout';
import { placeAt } from './timeline-layout';
import type { IWorkSpan } from '../model/work-spans';
import { kindOf } from '../model/work-spans';

/** Part of a worker's row that such spans take, from below; of a low row less, so that names can be read. */
const PART = 0.36;
const PART_LOW = 0.25;
const LOW_PX = 20;
const LINES_FROM_PX = 5;
const LINES_EVERY_PX = 4;

/** Where such spans stand in a row: top and height. */
function workBand(row: ITimelineRow, y: number, height: number): readonly [top: number, height: number] {
  const part = height < LOW_PX ? PART_LOW : PART;
  return row.tasks.length > 0 ? [y + height * (1 - part), height * part - 1] : [y + 1, height - 2];
}

/** The span at a height and a time, or within `slack` seconds of it: the shortest of a row. */
export function workAt(layout: ITimelineLayout, y: number, time: number, slack: number): IWorkSpan | null {
  const place = placeAt(layout, y)?.place;
  const [top, height] = place ? workBand(place.row, place.y, place.height) : [0, 0];
  if (!place || y < top || y > top + height) {
    return null;
  }
  const near = place.row.work.filter(span => time >= span.start - slack && time <= span.end + slack);
  return near.length > 0 ? near.reduce((a, b) => (b.end - b.start <= a.end - a.start ? b : a)) : null;
}

/** Draws all that is in sight. */
export function drawWork(context: CanvasRenderingContext2D, picture: ITimelinePicture, place: IRowPlace): void {
  const { gutter, width, window, palette } = picture;
  const [top, height] = workBand(place.row, place.y, place.height);
  let drawnTo = -Infinity;
  for (const span of place.row.work) {
    if (span.start > window.to) {
      break;
    }
    const left = Math.max(gutter, xOf(picture, span.start));
    const right = Math.min(width, Math.max(xOf(picture, span.end), left + 1));
    if (span.end < window.from || right <= drawnTo + 0.4) {
      continue;
    }
    drawnTo = Math.max(drawnTo, right);
    const { fill, lines } = kindOf(span);
    context.fillStyle = fill;
    context.fillRect(left, top, right - left, height);
    if (right - left > LINES_FROM_PX) {
      if (lines !== null) {
        drawLines(context, left, top, right - left, height, lines);
      }
      context.strokeStyle = palette.surface;
      context.lineWidth = 1;
      context.strokeRect(left, top, right - left, height);
    }
  }
}

function drawLines(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  width: number,
  height: number,
  degrees: number
): void {
  context.save();
  context.beginPath();
  context.rect(x, y, width, height);
  context.clip();
  context.translate(x + width / 2, y + height / 2);
  context.rotate((-degrees * Math.PI) / 180);
  const reach = Math.hypot(width, height) / 2;
  context.beginPath();
  for (let at = -reach; at <= reach; at += LINES_EVERY_PX) {
    context.moveTo(-reach, at);
    context.lineTo(reach, at);
  }
  context.strokeStyle = 'rgb(255 255 255 / 55%)';
  context.lineWidth = 1.2;
  context.stroke();
  context.restore();
}
