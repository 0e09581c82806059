/** What the marks of the graph mean: a button, and the list that it opens upon the picture. */

import { el, setAttribute, setHidden } from '../ui/dom';
import { actOnKey } from '../ui/own-keys';

const SVG = 'http://www.w3.org/2000/svg';

interface IMark {
  /** SVG paths in a 30 x 16 box; `fill` is filled, `dots` is a dotted line. */
  readonly line?: string;
  readonly dots?: string;
  readonly fill?: string;
  readonly words: string;
}

const ARROW_HEAD = 'M29 8l-7-3v6z';
const SQUARE = 'M9 3h10v10H9z';

const MARKS: readonly IMark[] = [
  { line: 'M1 8h21', fill: ARROW_HEAD, words: 'a result goes into another task; the number: how many do' },
  { dots: 'M1 8h21', fill: ARROW_HEAD, words: 'a task calls another, and no result goes along' },
  {
    line: 'M1 14h28M8 14V7q0-4 4-4h6q4 0 4 4v1',
    fill: 'M22 14l-3-6h6z',
    words: 'a function calls itself, or takes its own results (dotted: only calls)'
  },
  {
    fill: SQUARE,
    words:
      'a task in a box, by the colour of its state; where there are many a square is several, and shows the gravest'
  },
  {
    line: 'M6.2 6.6A3.6 3.6 0 1 0 6.6 9M6.4 4.4v2.4H4M16 3h10v10H16z',
    fill: 'M21 3h5v5z',
    words: 'round arrows, or a folded corner: the task was tried more than once'
  },
  {
    line: 'M3 2h24v12H3zM4.5 3.5h21v9h-21z',
    words: 'thick: on the critical path, the longest chain of tasks that wait for each other'
  }
];

/** The button and the list. */
export class GraphKey {
  readonly button = el('button', 'link toggle', '?', {
    type: 'button',
    'aria-label': 'what the marks mean',
    'aria-expanded': 'false',
    title: 'What the marks mean'
  });
  readonly node = el(
    'ul',
    'key',
    MARKS.map(mark => el('li', 'key-line', [picture(mark) as unknown as HTMLElement, el('span', '', mark.words)])),
    { 'aria-label': 'what the marks mean' }
  );

  constructor() {
    this.node.hidden = true;
    this.button.addEventListener('click', () => this._show(this.node.hidden));
    this.button.addEventListener('keydown', event => {
      if (!this.node.hidden) {
        actOnKey(event, { Escape: () => this._show(false) }, () => false);
      }
    });
  }

  private _show(open: boolean): void {
    setHidden(this.node, !open);
    setAttribute(this.button, 'aria-expanded', String(open));
  }
}

function picture({ line, dots, fill }: IMark): SVGSVGElement {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 30 16');
  svg.setAttribute('class', 'jp-gnomon-key-mark');
  svg.setAttribute('aria-hidden', 'true');
  for (const [name, d] of Object.entries({ line, dots, fill })) {
    if (d !== undefined) {
      const path = document.createElementNS(SVG, 'path');
      path.setAttribute('d', d);
      path.setAttribute('class', `jp-gnomon-key-${name}`);
      svg.append(path);
    }
  }
  return svg;
}
