/** The bar that chooses which cell and which function the views show. */

import type { IViewContext } from '../context';
import { el, setText } from '../ui/dom';
import { shorten } from '../ui/format';

const NAME_CHARACTERS = 28;

/** Two lists and a button; hidden while there is nothing to choose from. */
export class FilterBar {
  readonly node = el('div', 'filter', [], { role: 'group', 'aria-label': 'filter' });

  constructor(private readonly _context: IViewContext) {
    this._cells.addEventListener('change', () => _context.filterBy({ cell: this._cells.value || null }));
    this._funcs.addEventListener('change', () => _context.filterBy({ func: this._funcs.value || null }));
    this._clear.addEventListener('click', () => _context.filterBy({ cell: null, func: null }));
    this.node.append(this._cells, this._funcs, this._clear);
  }

  update(): void {
    const { feed, filter } = this._context;
    const { model } = feed;
    const key = `${model.session}/${model.cells.length}/${model.names.length}/${filter.key}`;
    if (key === this._key) {
      return;
    }
    this._key = key;
    const cells = model.cells.filter(cell => cell.id !== '').map(({ id, label }) => [id, label] as const);
    // a cell that ran again has a new label, under which all that it ever made is found
    const funcs = model.names.map(name => [name, shorten(name, NAME_CHARACTERS)] as const);
    fill(this._cells, 'all cells', [...new Map(cells)], filter.cell);
    fill(this._funcs, 'all functions', [...new Map(funcs)], filter.func);
    this._clear.hidden = !filter.active;
    this.node.hidden = cells.length + funcs.length < 2 && !filter.active;
    this.node.classList.toggle('jp-gnomon-active', filter.active);
  }

  private _key = '';
  private readonly _cells = el('select', 'select', [], { 'aria-label': 'show one cell' });
  private readonly _funcs = el('select', 'select', [], { 'aria-label': 'show one function' });
  private readonly _clear = el('button', 'link', 'show all', { type: 'button' });
}

/** Brings a list up to date without disturbing somebody who has it open. */
function fill(
  select: HTMLSelectElement,
  all: string,
  choices: readonly (readonly [value: string, text: string])[],
  chosen: string | null
): void {
  const wanted = [['', all] as const, ...choices];
  wanted.forEach(([value, text], i) => {
    const option = select.options[i] ?? select.appendChild(el('option'));
    if (option.value !== value || option.textContent === '') {
      option.value = value;
    }
    setText(option, text);
  });
  while (select.options.length > wanted.length) {
    select.options[select.options.length - 1].remove();
  }
  if (select.value !== (chosen ?? '')) {
    select.value = chosen ?? '';
  }
}
