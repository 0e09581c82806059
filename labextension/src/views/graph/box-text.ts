/**
 * What is written in the box of a function: name and figures above its cells, what is not done yet below them.
 *
 * No letter is smaller than {@link TEXT_MIN_PX} on the screen, however small the picture: where the box has no room for
 * letters of that size there are none, and the tooltip has the name.
 */

import type { IPlacedBox } from './box-layout';
import { PAD } from './cells';
import { drawAgain, drawIcon, fitName, fitText } from '../ui/draw';
import { formatCount, shortName } from '../ui/format';
import { shortWords, TaskState } from '../model/states';
import type { IPalette } from '../ui/theme';

/** Letters smaller than this are not read, least of all from the back row. */
export const TEXT_MIN_PX = 11;
/** Above and below the cells there is room for letters of this size, in units of the picture. */
const SIZE_MAX = 16.5;
const NAME_SIZE = 13;
const FIGURES_SIZE = 11;
const HEAD_LINE = 20;
const FOOT_LINE = 7;

/** What a box says. */
export interface IBoxFacts {
  readonly name: string;
  /** By state. */
  readonly counts: readonly number[];
  readonly total: number;
  /** Tasks that were tried more than once. */
  readonly retried: number;
  /** Tasks that a cell stands for. */
  readonly perCell: number;
}

/** The size of letters in units of the picture, at a scale: as designed, or larger; 0 where there is no room for them. */
export function textSize(designed: number, scale: number): number {
  const size = Math.max(designed, TEXT_MIN_PX / scale);
  return size <= SIZE_MAX ? size : 0;
}

/** The figures beside a name, the longest form first. */
export function figureForms({ counts, total }: IBoxFacts): string[] {
  const [done, all] = [formatCount(counts[TaskState.done] ?? 0), formatCount(total)];
  return [`${done} / ${all}`, `${done}/${all}`];
}

/** Writes the name, and beside it as much of the figures as leaves room for the name. */
export function drawHeadText(
  context: CanvasRenderingContext2D,
  palette: IPalette,
  box: IPlacedBox,
  facts: IBoxFacts,
  scale: number
): void {
  const [nameSize, size] = [textSize(NAME_SIZE, scale), textSize(FIGURES_SIZE, scale)];
  if (nameSize === 0 || size === 0) {
    return;
  }
  const inner = box.width - 2 * PAD;
  const y = box.y + HEAD_LINE;
  const [bold, plain] = [`600 ${nameSize}px ${palette.font}`, `${size}px ${palette.font}`];
  context.textBaseline = 'alphabetic';
  context.font = bold;
  const whole = context.measureText(facts.name).width <= inner;
  const name = whole ? facts.name : shortName(facts.name);
  const nameWidth = context.measureText(name).width;
  context.font = plain;
  const forms = figureForms(facts);
  const room = (form: string): number => inner - context.measureText(form).width - 8;
  const form = forms.find(each => room(each) >= nameWidth) ?? forms[forms.length - 1];
  const nameRoom = room(form);
  context.textAlign = 'right';
  context.fillStyle = palette.muted;
  context.fillText(form, box.x + box.width - PAD, y);
  context.font = bold;
  context.textAlign = 'left';
  context.fillStyle = palette.text;
  context.fillText(fitName(context, name, nameRoom), box.x + PAD, y);
}

/** Writes what has failed and what was tried again, each with its badge, and what is still to come. */
export function drawFootText(
  context: CanvasRenderingContext2D,
  palette: IPalette,
  box: IPlacedBox,
  facts: IBoxFacts,
  scale: number
): void {
  const size = textSize(FIGURES_SIZE, scale);
  if (size === 0) {
    return;
  }
  const y = box.y + box.height - FOOT_LINE;
  const plain = `${size}px ${palette.font}`;
  context.textBaseline = 'alphabetic';
  context.font = plain;
  let x = box.x + PAD;
  const failed = facts.counts[TaskState.failed] ?? 0;
  x += failed > 0 ? drawFailed(context, palette, { x, y }, `${formatCount(failed)} failed`, size) : 0;
  x += facts.retried > 0 ? drawRetried(context, palette, { x, y }, `${formatCount(facts.retried)} again`, size) : 0;
  context.font = plain;
  context.fillStyle = palette.muted;
  const end = box.x + box.width - PAD;
  const key = facts.perCell > 1 ? `▪ = ${formatCount(facts.perCell)} tasks` : '';
  const keyWidth = key === '' ? 0 : context.measureText(key).width + 8;
  if (x + keyWidth <= end) {
    context.textAlign = 'right';
    context.fillText(key, end, y);
  }
  const told = [TaskState.failed, ...(failed > 0 ? [TaskState.done] : [])] as readonly number[];
  const rest = facts.counts.map((count, state) => (told.includes(state) ? 0 : count));
  context.textAlign = 'left';
  context.fillText(fitText(context, shortWords(rest), end - keyWidth - x), x, y);
}

interface IPlace {
  readonly x: number;
  readonly y: number;
}

/** Returns the width that is taken. */
function drawFailed(
  context: CanvasRenderingContext2D,
  palette: IPalette,
  { x, y }: IPlace,
  text: string,
  size: number
): number {
  const { fill, mark } = palette.tasks[TaskState.failed];
  context.font = `600 ${size}px ${palette.font}`;
  const width = context.measureText(text).width + 13 + size;
  context.beginPath();
  context.roundRect(x - 2, y - size - 1, width, size + 6, 8);
  context.fillStyle = fill;
  context.fill();
  drawIcon(context, 'failed', x + 7, y - 0.32 * size, size + 3, mark);
  context.fillStyle = mark;
  context.textAlign = 'left';
  context.fillText(text, x + 8 + size * 0.6, y);
  return width + 5;
}

/** Returns the width that is taken. */
function drawRetried(
  context: CanvasRenderingContext2D,
  palette: IPalette,
  { x, y }: IPlace,
  text: string,
  size: number
): number {
  const radius = 0.56 * size;
  drawAgain(context, palette, x + radius, y - 0.35 * size, radius);
  context.font = `600 ${size}px ${palette.font}`;
  context.fillStyle = palette.text;
  context.textAlign = 'left';
  const width = 2 * radius + 4;
  context.fillText(text, x + width, y);
  return width + context.measureText(text).width + 7;
}
