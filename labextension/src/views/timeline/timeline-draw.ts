/**
 * Draws the timeline: an axis, a row for every worker, spans by the colour of their function.
 *
 * Failed spans are red with a cross, cancelled ones hatched, running ones open to the right; where nothing runs
 * nothing is drawn. Spans narrower than a pixel are drawn once a pixel, a failed one always.
 */

import { drawAttempts } from './attempt-draw';
import { drawBusy } from './busy-draw';
import { fitName } from '../ui/draw';
import { shortName } from '../ui/format';
import type { IFunctionColour } from './function-colours';
import { functionColour } from './function-colours';
import type { Model } from '../model/model';
import type { ITimeline } from '../model/spans';
import { endOf } from '../model/spans';
import { TaskState } from '../model/states';
import type { IPalette } from '../ui/theme';
import { marks } from './time-axis';
import type { TimeWindow } from './time-window';
import { drawArrows } from './timeline-arrows';
import type { IRowPlace, ITimelineLayout } from './timeline-layout';
import { AXIS_HEIGHT } from './timeline-layout';
import type { IBox, IInscription } from './timeline-names';
import { bearsName, drawName, NameRuns, TEXT_HEIGHT_MIN } from './timeline-names';
import { drawWork } from './work-draw';

/** All that a picture of the timeline is made of. */
export interface ITimelinePicture {
  readonly model: Model;
  readonly timeline: ITimeline;
  readonly palette: IPalette;
  readonly layout: ITimelineLayout;
  readonly window: TimeWindow;
  readonly width: number;
  readonly height: number;
  /** Width of the labels on the left. */
  readonly gutter: number;
  readonly scroll: number;
  /** Unix seconds. */
  readonly now: number;
  /** The time that is shown while it is not now: a line is drawn there. */
  readonly at: number | null;
  /** From where the axis counts. */
  readonly zero: number;
  readonly selected: number;
  readonly hovered: number;
  /** Whether a task passes the filter. */
  shows(task: number): boolean;
}

/** Draws a whole picture; the canvas is clear. */
export function drawTimeline(context: CanvasRenderingContext2D, picture: ITimelinePicture): void {
  context.textBaseline = 'middle';
  drawAxis(context, picture);
  drawBusy(context, picture);
  const { top } = picture.layout;
  context.save();
  context.beginPath();
  context.rect(0, top, picture.width, picture.height - top);
  context.clip();
  context.translate(0, -picture.scroll);
  for (const head of picture.layout.heads) {
    context.font = `600 11px ${picture.palette.font}`;
    context.fillStyle = picture.palette.muted;
    context.textAlign = 'left';
    context.fillText(head.label, 12, head.y + 10);
  }
  for (const place of picture.layout.rows) {
    const y = place.y - picture.scroll;
    if (y + place.height >= top && y <= picture.height) {
      drawLabel(context, picture, place);
      drawRow(context, picture, place);
      drawAttempts(context, picture, place);
      drawWork(context, picture, place);
    }
  }
  drawArrows(context, picture);
  context.restore();
  drawMoment(context, picture);
}

/** A line at the time that is shown: what lies to its right has not happened yet. */
function drawMoment(context: CanvasRenderingContext2D, picture: ITimelinePicture): void {
  const { at, gutter, width, height, palette } = picture;
  const x = at === null ? -1 : xOf(picture, at);
  if (x < gutter || x > width) {
    return;
  }
  context.strokeStyle = palette.accent;
  context.lineWidth = 2;
  context.beginPath();
  context.moveTo(x, 0);
  context.lineTo(x, height);
  context.stroke();
}

/** Where a time stands, in pixels. */
export function xOf(picture: Pick<ITimelinePicture, 'window' | 'gutter' | 'width'>, time: number): number {
  const { window, gutter, width } = picture;
  return gutter + ((time - window.from) / window.length) * (width - gutter);
}

function drawAxis(context: CanvasRenderingContext2D, picture: ITimelinePicture): void {
  const { palette, window, width, gutter, height } = picture;
  context.font = `11px ${palette.font}`;
  context.textAlign = 'left';
  for (const { at, text } of marks(window.from, window.to, picture.zero, width - gutter)) {
    const x = Math.round(xOf(picture, at)) + 0.5;
    context.strokeStyle = palette.border;
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(x, AXIS_HEIGHT - 5);
    context.lineTo(x, height);
    context.stroke();
    if (x + context.measureText(text).width + 4 < width) {
      context.fillStyle = palette.muted;
      context.fillText(text, x + 3, 9);
    }
  }
}

function drawLabel(context: CanvasRenderingContext2D, picture: ITimelinePicture, place: IRowPlace): void {
  const { palette, gutter } = picture;
  if (place.height < TEXT_HEIGHT_MIN) {
    return;
  }
  context.font = `11px ${palette.font}`;
  context.textAlign = 'right';
  context.fillStyle = palette.text;
  const { label } = place.row;
  // in a narrow place the number of the process, or the actor's class, says more than how the label begins
  const whole = context.measureText(label).width <= gutter - 14;
  const text = fitName(context, whole ? label : label.slice(label.indexOf(' ') + 1), gutter - 14);
  context.fillText(text, gutter - 7, place.y + place.height / 2);
}

function drawRow(context: CanvasRenderingContext2D, picture: ITimelinePicture, place: IRowPlace): void {
  const { model, window, gutter, width, selected, hovered } = picture;
  const { row } = place;
  const lane = place.height / row.laneCount;
  const gap = lane > 12 ? 2 : lane > 6 ? 1 : 0.5;
  const drawnTo = new Array<number>(row.laneCount).fill(-Infinity);
  const runs = drawnTo.map(() => new NameRuns(context, picture.palette));
  const { start } = model.tasks;
  for (let i = 0; i < row.tasks.length; i++) {
    const task = row.tasks[i];
    if (start[task] > window.to) {
      break;
    }
    const end = endOf(model, task, picture.now);
    if (end < window.from) {
      continue;
    }
    const left = Math.max(gutter, xOf(picture, start[task]));
    const right = Math.min(width, Math.max(xOf(picture, end), left + 1));
    const grave = model.tasks.state[task] === TaskState.failed || task === selected || task === hovered;
    if (right <= drawnTo[row.lanes[i]] + 0.4 && !grave) {
      continue;
    }
    drawnTo[row.lanes[i]] = Math.max(drawnTo[row.lanes[i]], right);
    const y = place.y + row.lanes[i] * lane + gap / 2;
    drawSpan(context, picture, task, { x: left, y, width: right - left, height: lane - gap }, runs[row.lanes[i]]);
  }
  runs.forEach(run => run.end());
}

function drawSpan(
  context: CanvasRenderingContext2D,
  picture: ITimelinePicture,
  task: number,
  box: IBox,
  runs: NameRuns
): void {
  const { model, palette } = picture;
  const state = model.tasks.state[task];
  const failed = state === TaskState.failed;
  const colour = functionColour(model.tasks.func[task]);
  const style: IFunctionColour = failed
    ? { fill: palette.tasks[state].fill, text: palette.tasks[state].mark, striped: false }
    : colour;
  const shown = picture.shows(task);
  context.globalAlpha = shown ? 1 : 0.12;
  context.fillStyle = style.fill;
  const inset = box.width > 3 ? 0.5 : 0;
  context.fillRect(box.x, box.y, box.width - inset, box.height);
  if (box.width > 6) {
    if (style.striped) {
      stripe(context, box, 'rgb(255 255 255 / 35%)', 7);
    }
    if (state === TaskState.cancelled) {
      stripe(context, box, palette.surface, 4);
    }
    if (state === TaskState.running) {
      openEnd(context, box, palette.surface);
    }
  }
  context.globalAlpha = 1;
  const what: IInscription = { name: shortName(model.nameOf(model.tasks.func[task])), ...style };
  const legible = shown && box.height >= TEXT_HEIGHT_MIN;
  const own = legible && bearsName(context, palette, what.name, box, failed);
  if (legible && !own) {
    runs.add(what, box);
  } else {
    runs.end();
  }
  if (own) {
    drawName(context, palette, what, box, failed);
  }
  if (task === picture.selected || task === picture.hovered) {
    context.lineWidth = task === picture.selected ? 2.5 : 1.5;
    context.strokeStyle = palette.text;
    context.strokeRect(box.x, box.y, box.width, box.height);
  }
}

/** Slanted lines upon a box. */
function stripe(context: CanvasRenderingContext2D, box: IBox, colour: string, every: number): void {
  context.save();
  context.beginPath();
  context.rect(box.x, box.y, box.width, box.height);
  context.clip();
  context.beginPath();
  for (let x = box.x - box.height; x < box.x + box.width; x += every) {
    context.moveTo(x, box.y + box.height);
    context.lineTo(x + box.height, box.y);
  }
  context.strokeStyle = colour;
  context.lineWidth = 1.5;
  context.stroke();
  context.restore();
}

/** A running span has teeth on its right side: it goes on. */
function openEnd(context: CanvasRenderingContext2D, box: IBox, surface: string): void {
  const depth = Math.min(4, box.width / 2);
  const right = box.x + box.width;
  const teeth = Math.max(1, Math.round(box.height / 7));
  const step = box.height / teeth;
  context.fillStyle = surface;
  context.beginPath();
  for (let i = 0; i < teeth; i++) {
    const y = box.y + i * step;
    context.moveTo(right, y);
    context.lineTo(right - depth, y + step / 2);
    context.lineTo(right, y + step);
  }
  context.fill();
}
