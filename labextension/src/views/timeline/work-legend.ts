/** Which colour is which kind of work besides tasks: those kinds that have occurred. */

import { el, KeyedList, setHidden } from '../ui/dom';
import type { Model } from '../model/model';
import type { IWorkKind } from '../model/work-spans';
import { WORK_KINDS } from '../model/work-spans';

/** The legend. Hidden while there is nothing of the kind. */
export class WorkLegend {
  readonly node = el('div', 'functions', [], { role: 'group', 'aria-label': 'work besides tasks' });

  update(model: Model): void {
    const seen = new Set(model.spans.map(span => span.kind));
    const kinds = Object.entries(WORK_KINDS).filter(([kind]) => seen.has(kind));
    this._list.show(kinds);
    setHidden(this.node, kinds.length === 0);
  }

  private readonly _list = new KeyedList<IWorkKind>(this.node, makeEntry, () => undefined);
}

function makeEntry({ label, fill, lines }: IWorkKind): HTMLElement {
  const swatch = el('i', 'swatch', [], { 'aria-hidden': 'true' });
  swatch.style.backgroundColor = fill;
  if (lines !== null) {
    const line = `rgb(255 255 255 / 55%) 0 1.2px, transparent 1.2px 4px`;
    swatch.style.backgroundImage = `repeating-linear-gradient(${-lines}deg, ${line})`;
  }
  return el('span', 'work-kind', [swatch, el('span', 'muted', label)]);
}
