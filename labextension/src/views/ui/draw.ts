/** What several canvases draw: state marks, rounded boxes, texts that fit. */

import { middleCut } from './format';
import type { IPalette, IStateColours } from './theme';
import { FILLED_ICONS, ICON_PATHS } from '../model/states';

const PATHS = new Map<string, Path2D>();

function iconPath(state: string): Path2D {
  let path = PATHS.get(state);
  if (!path) {
    path = new Path2D((ICON_PATHS as Record<string, string>)[state] ?? ICON_PATHS.pending);
    PATHS.set(state, path);
  }
  return path;
}

/** Draws the icon of a state around a point, as large as a 16-unit box scaled by `size / 16`. */
export function drawIcon(
  context: CanvasRenderingContext2D,
  state: string,
  x: number,
  y: number,
  size: number,
  colour: string
): void {
  const scale = size / 16;
  context.save();
  context.translate(x - size / 2, y - size / 2);
  context.scale(scale, scale);
  context.lineWidth = 1.8;
  context.lineCap = 'round';
  context.lineJoin = 'round';
  context.strokeStyle = colour;
  context.stroke(iconPath(state));
  if (FILLED_ICONS.has(state)) {
    context.fillStyle = colour;
    context.fill(iconPath(state));
  }
  context.restore();
}

/** A task as a mark of its own: a hollow ring while it waits, a square if it failed, else a disc; the icon inside. */
export function drawMark(
  context: CanvasRenderingContext2D,
  state: string,
  colours: IStateColours,
  surface: string,
  x: number,
  y: number,
  radius: number
): void {
  const hollow = state === 'waiting' || state === 'cancelled';
  context.beginPath();
  if (state === 'failed') {
    context.roundRect(x - radius, y - radius, 2 * radius, 2 * radius, radius * 0.45);
  } else {
    context.arc(x, y, hollow ? radius - 0.8 : radius, 0, 2 * Math.PI);
  }
  context.fillStyle = hollow ? surface : colours.fill;
  context.fill();
  if (hollow) {
    context.lineWidth = 1.6;
    context.strokeStyle = colours.fill;
    context.setLineDash(state === 'cancelled' ? [3, 2.4] : []);
    context.stroke();
    context.setLineDash([]);
  }
  drawIcon(context, state, x, y, radius * 1.9, hollow ? colours.fill : colours.mark);
}

/** A part of a circle, from one angle to another. */
export function drawArc(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  radius: number,
  [from, to]: readonly [number, number],
  width: number,
  colour: string
): void {
  context.beginPath();
  context.arc(x, y, radius, from, to);
  context.lineWidth = width;
  context.strokeStyle = colour;
  context.stroke();
}

/** The badge of a task that runs, or has run, again: round arrows on a disc of the text's colour. */
export function drawAgain(
  context: CanvasRenderingContext2D,
  palette: IPalette,
  x: number,
  y: number,
  radius = 6
): void {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = palette.text;
  context.fill();
  context.lineWidth = 1.2;
  context.strokeStyle = palette.surface;
  context.stroke();
  drawIcon(context, 'again', x, y, (13 / 6) * radius, palette.surface);
}

/** The part of a text that fits a width, with an ellipsis. Uses the context's font. */
export function fitText(context: CanvasRenderingContext2D, text: string, width: number): string {
  return fit(context, text, width, kept => `${text.slice(0, kept)}…`);
}

/** Likewise for names, which often differ in how they end: what is left out is in the middle. */
export function fitName(context: CanvasRenderingContext2D, name: string, width: number): string {
  return fit(context, name, width, kept => middleCut(name, kept));
}

function fit(context: CanvasRenderingContext2D, text: string, width: number, cut: (kept: number) => string): string {
  if (context.measureText(text).width <= width) {
    return text;
  }
  let [low, high] = [0, text.length];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (context.measureText(cut(middle)).width <= width) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low > 0 ? cut(low) : '';
}

/** An arrow head that points from `from` to its tip. */
export function drawArrowHead(
  context: CanvasRenderingContext2D,
  from: { x: number; y: number },
  tip: { x: number; y: number },
  size: number
): void {
  const angle = Math.atan2(tip.y - from.y, tip.x - from.x);
  context.beginPath();
  context.moveTo(tip.x, tip.y);
  context.lineTo(tip.x - size * Math.cos(angle - 0.42), tip.y - size * Math.sin(angle - 0.42));
  context.lineTo(tip.x - size * Math.cos(angle + 0.42), tip.y - size * Math.sin(angle + 0.42));
  context.closePath();
  context.fill();
}

/** An edge between two marks, bent along the flow, with an arrow head; it keeps `gap` clear of both centres. */
export function drawEdge(
  context: CanvasRenderingContext2D,
  vertical: boolean,
  gap: number,
  from: { x: number; y: number },
  to: { x: number; y: number }
): void {
  const head = 4;
  const [x1, y1] = vertical ? [from.x, from.y + gap] : [from.x + gap, from.y];
  const [x2, y2] = vertical ? [to.x, to.y - gap - head] : [to.x - gap - head, to.y];
  const bend = Math.max(14, (vertical ? y2 - y1 : x2 - x1) * 0.5);
  context.beginPath();
  context.moveTo(x1, y1);
  if (vertical) {
    context.bezierCurveTo(x1, y1 + bend, x2, y2 - bend, x2, y2);
  } else {
    context.bezierCurveTo(x1 + bend, y1, x2 - bend, y2, x2, y2);
  }
  context.stroke();
  const tip = vertical ? { x: x2, y: y2 + head } : { x: x2 + head, y: y2 };
  drawArrowHead(context, { x: x2, y: y2 }, tip, 5);
}
