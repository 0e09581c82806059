/** Which colour is which function; a click shows that function alone in all views. */

import type { IViewContext } from '../context';
import { el, KeyedList, setAttribute, setHidden, setText } from '../ui/dom';
import { functionColour } from './function-colours';
import { formatCount, shorten } from '../ui/format';
import { groupTotal } from '../graph/waffle';

const SHOWN_MAX = 12;
/** Of a name; the whole of it is in the tooltip. */
const CHARACTERS_MAX = 26;

/** The legend. */
export class FunctionLegend {
  readonly node = el('div', 'functions', [], { role: 'group', 'aria-label': 'functions' });

  constructor(private readonly _context: IViewContext) {
    this._list = new KeyedList<number>(
      this._items,
      func => this._make(func),
      (element, func) => this._fill(element, func)
    );
    this.node.append(this._items, this._more);
  }

  update(): void {
    const { model } = this._context.feed;
    const funcs = model.members.map((_, func) => func).filter(func => model.members[func].length > 0);
    const busiest = [...funcs].sort((a, b) => groupTotal(model, b) - groupTotal(model, a)).slice(0, SHOWN_MAX);
    this._list.show(busiest.sort((a, b) => a - b).map(func => [`${model.session}/${func}`, func]));
    setText(this._more, funcs.length > SHOWN_MAX ? `and ${formatCount(funcs.length - SHOWN_MAX)} more` : '');
    setHidden(this.node, funcs.length === 0);
  }

  private _make(func: number): HTMLElement {
    const swatch = el('i', 'swatch', [], { 'aria-hidden': 'true' });
    const { fill, striped } = functionColour(func);
    swatch.style.backgroundColor = fill;
    swatch.classList.toggle('jp-gnomon-striped', striped);
    const button = el('button', 'function', [swatch, el('span', '', '')], { type: 'button' });
    button.addEventListener('click', () => {
      const name = this._context.feed.model.nameOf(func);
      this._context.filterBy({ func: this._context.filter.func === name ? null : name });
    });
    return button;
  }

  private _fill(element: HTMLElement, func: number): void {
    const name = this._context.feed.model.nameOf(func);
    setText(element.lastElementChild!, shorten(name, CHARACTERS_MAX));
    setAttribute(element, 'title', `Show ${name} alone`);
    setAttribute(element, 'aria-label', name);
    setAttribute(element, 'aria-pressed', String(this._context.filter.func === name));
  }

  private readonly _items = el('span', 'function-items');
  private readonly _more = el('span', 'muted');
  private readonly _list: KeyedList<number>;
}
