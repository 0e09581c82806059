/** Says that a picture goes on beyond the edges of its place, where a camera shows only a part of it. */

import { el, setHidden, setText } from '../ui/dom';

interface ISize {
  readonly width: number;
  readonly height: number;
}

/** Less than this, in pixels, is no more than the margin of what stands there. */
const HIDDEN_FROM_PX = 12;

/** Where the picture goes on: its place at `x`, `y` and `scale` in a space. */
export function hiddenSides(
  picture: ISize,
  { x, y, scale }: { readonly x: number; readonly y: number; readonly scale: number },
  space: ISize
): string[] {
  const beyond: [string, number][] = [
    ['above', -y],
    ['below', y + picture.height * scale - space.height],
    ['to the left', -x],
    ['to the right', x + picture.width * scale - space.width]
  ];
  return beyond.filter(([, pixels]) => pixels > HIDDEN_FROM_PX).map(([side]) => side);
}

/** The words on a picture that is moved with the mouse; how it is moved where there is room for that. */
export function moreThere(sides: readonly string[]): string {
  return sides.length > 0 ? `more ${sides.join(', ')}` : '';
}

/** The words on rows that are scrolled: as short as the corner where they stand. */
export function moreRows(sides: readonly string[]): string {
  const marks = (sides.includes('above') ? '▴' : '') + (sides.includes('below') ? '▾' : '');
  return marks === '' ? '' : `${marks} more`;
}

/** The words on the picture. Who does not see it has the table. */
export class Edges {
  readonly node: HTMLElement;

  /** `hint` says how to see the rest; it is left out in a narrow view. */
  constructor(
    private readonly _say: (sides: readonly string[]) => string,
    hint = ''
  ) {
    const parts = [this._words, ...(hint === '' ? [] : [el('span', 'edges-hint', hint)])];
    this.node = el('div', 'edges', parts, { 'aria-hidden': 'true' });
  }

  show(sides: readonly string[]): void {
    const words = this._say(sides);
    setHidden(this.node, words === '');
    setText(this._words, words);
  }

  private readonly _words = el('span');
}
