/**
 * The names upon spans: colour is never all that tells which function it was.
 *
 * A span on which it fits bears its own name. Those of one function that are too narrow for it and follow each other
 * bear it together, once; a narrow one that stands alone bears as much as fits, its first letter at least.
 */

import { drawIcon, fitName } from '../ui/draw';
import type { IPalette } from '../ui/theme';

/** A span at least so wide bears its own name, even if only a part of it fits. */
const OWN_NAME_FROM_PX = 90;
/** Wide enough for a part of a name. */
const PART_FROM_PX = 34;
/** As little of a name as says more than its first letter. */
const PART_CHARACTERS = 5;
/** Lower than this nothing can be read upon a span. */
export const TEXT_HEIGHT_MIN = 11;
const LETTER_FROM_PX = 9;
const CROSS_FROM_PX = 8;
/** Spans no further apart look like one piece. */
const APART_MAX_PX = 4;
const HALO_PX = 3;

export interface IBox {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** What is written upon a span, and how. */
export interface IInscription {
  readonly name: string;
  readonly fill: string;
  /** Colour of the text. */
  readonly text: string;
}

/** Whether a span bears its own name. */
export function bearsName(
  context: CanvasRenderingContext2D,
  palette: IPalette,
  name: string,
  { width }: IBox,
  failed: boolean
): boolean {
  if (failed || width >= OWN_NAME_FROM_PX) {
    return width >= PART_FROM_PX || failed;
  }
  context.font = `11px ${palette.font}`;
  return width > 12 && context.measureText(name).width <= width - 8;
}

/** Writes a span's own name; that of a failed one after a cross. */
export function drawName(
  context: CanvasRenderingContext2D,
  palette: IPalette,
  { name, text }: IInscription,
  box: IBox,
  failed: boolean
): void {
  const middle = box.y + box.height / 2 + 0.5;
  const icon = failed ? 14 : 0;
  if (failed && box.width >= CROSS_FROM_PX) {
    drawIcon(context, 'failed', box.x + Math.min(9, box.width / 2), middle, 13, text);
  }
  context.font = `11px ${palette.font}`;
  context.textAlign = 'left';
  context.fillStyle = text;
  const fitted = fitName(context, name, box.width - 8 - icon);
  if (fitted === name || fitted.length > PART_CHARACTERS) {
    context.fillText(fitted, box.x + 4 + icon, middle);
  }
}

/** The narrow spans of one lane, from left to right. */
export class NameRuns {
  constructor(
    private readonly _context: CanvasRenderingContext2D,
    private readonly _palette: IPalette
  ) {}

  /** The next narrow span; it joins those before it if it is of the same function and close. */
  add(what: IInscription, box: IBox): void {
    const run = this._run;
    if (run && run.what.name === what.name && run.what.fill === what.fill && box.x - run.right <= APART_MAX_PX) {
      run.right = box.x + box.width;
      return;
    }
    this.end();
    this._run = { what, box, right: box.x + box.width };
  }

  /** Something else follows, or nothing: writes the name of what has come. */
  end(): void {
    const run = this._run;
    this._run = null;
    const width = run ? run.right - run.box.x : 0;
    if (!run || run.box.height < TEXT_HEIGHT_MIN || width < LETTER_FROM_PX) {
      return;
    }
    const { what, box } = run;
    const context = this._context;
    context.font = `11px ${this._palette.font}`;
    const fitted = fitName(context, what.name, width - 6);
    const text = fitted === what.name || fitted.length > PART_CHARACTERS ? fitted : what.name.slice(0, 1);
    context.textAlign = 'center';
    context.lineJoin = 'round';
    context.lineWidth = HALO_PX;
    context.strokeStyle = what.fill; // the borders between the spans would cross the letters
    const [x, y] = [box.x + (text.length > 1 ? width : Math.min(width, box.width)) / 2, box.y + box.height / 2 + 0.5];
    context.strokeText(text, x, y);
    context.fillStyle = what.text;
    context.fillText(text, x, y);
  }

  private _run: { readonly what: IInscription; readonly box: IBox; right: number } | null = null;
}
