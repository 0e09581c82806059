/** The watched fields on an actor's card: name, value now, and how it has moved. */

import { el, KeyedList, setAttribute, setHidden, setText } from '../ui/dom';
import type { Histories } from '../model/histories';
import { formatValue, sparkline } from '../model/histories';
import type { IActorRow, WatchedValue } from '../model/wire';

const SVG = 'http://www.w3.org/2000/svg';
const WIDTH = 90;
const HEIGHT = 18;

interface IField {
  readonly name: string;
  readonly value: WatchedValue;
}

/** The list of an actor's fields. Hidden if it has none. */
export class WatchedList {
  readonly node = el('dl', 'watched', []);

  constructor() {
    this._rows = new KeyedList<IField>(this.node, makeRow, (row, field) => this._fill(row, field));
  }

  show(actor: IActorRow, histories: Histories): void {
    this._actor = actor;
    this._histories = histories;
    const fields = Object.entries(actor.watched ?? {});
    setHidden(this.node, fields.length === 0);
    this._rows.show(fields.map(([name, value]) => [name, { name, value }]));
  }

  private _fill(row: HTMLElement, { name, value }: IField): void {
    const [term, words, picture] = row.children;
    setText(term, name);
    setText(words, formatValue(value));
    setAttribute(words, 'title', String(value));
    const line = sparkline(this._histories!.of(this._actor!.id, name), WIDTH - 4, HEIGHT - 4);
    const [path, dot] = picture.firstElementChild!.children;
    setAttribute(path, 'd', line?.path ?? '');
    dot.toggleAttribute('hidden', line === null);
    if (line) {
      setAttribute(dot, 'cx', line.end[0].toFixed(1));
      setAttribute(dot, 'cy', line.end[1].toFixed(1));
    }
  }

  private readonly _rows: KeyedList<IField>;
  private _actor: IActorRow | null = null;
  private _histories: Histories | null = null;
}

function makeRow(): HTMLElement {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', `-2 -2 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute('class', 'jp-gnomon-sparkline');
  svg.setAttribute('aria-hidden', 'true');
  const dot = document.createElementNS(SVG, 'circle');
  dot.setAttribute('r', '1.8');
  svg.append(document.createElementNS(SVG, 'path'), dot);
  return el('div', 'watched-field', [
    el('dt', 'muted'),
    el('dd', 'watched-value'),
    el('dd', 'watched-line', [svg as unknown as HTMLElement])
  ]);
}
