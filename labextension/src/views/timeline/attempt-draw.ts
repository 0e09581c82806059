/** Draws attempts at tasks that others have followed: hollow and dashed, with round arrows. */

import { drawAgain } from '../ui/draw';
import { functionColour } from './function-colours';
import type { ITimelinePicture } from './timeline-draw';
import { xOf } from './timeline-draw';
import type { IRowPlace } from './timeline-layout';

const BADGE_FROM_PX = 12;
const BADGE_RADIUS_MAX = 7;

/** Draws all of a row that are in sight. */
export function drawAttempts(context: CanvasRenderingContext2D, picture: ITimelinePicture, place: IRowPlace): void {
  const { gutter, width, window, palette, model } = picture;
  const lane = place.height / place.row.laneCount;
  for (const past of place.row.past) {
    if (past.end < window.from || past.start > window.to) {
      continue;
    }
    const left = Math.max(gutter, xOf(picture, past.start));
    const right = Math.min(width, Math.max(xOf(picture, past.end), left + 2));
    context.globalAlpha = picture.shows(past.task) ? 1 : 0.12;
    context.strokeStyle = functionColour(model.tasks.func[past.task]).fill;
    context.lineWidth = past.task === picture.selected ? 2.5 : 1.5;
    context.setLineDash([4, 3]);
    context.strokeRect(left + 1, place.y + 2, Math.max(1, right - left - 2), lane - 4);
    context.setLineDash([]);
    if (right - left >= BADGE_FROM_PX) {
      drawAgain(context, palette, (left + right) / 2, place.y + lane / 2, Math.min(BADGE_RADIUS_MAX, lane / 2 - 1));
    }
    context.globalAlpha = 1;
  }
}
