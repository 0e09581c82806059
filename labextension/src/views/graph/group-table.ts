/** The functions as a table: the same story as the graph, for screen readers and for those who prefer numbers. */

import type { IViewContext } from '../context';
import { el, KeyedList, setAttribute, setText, stateIcon } from '../ui/dom';
import { durationsOf } from '../model/durations';
import { formatCount, formatDuration } from '../ui/format';
import { TASK_STATES } from '../model/states';
import { groupTotal } from './waffle';

/** One row a function, one column a state, and how long its tasks take. */
export class GroupTable {
  readonly node: HTMLElement;

  constructor(
    private readonly _context: IViewContext,
    choose: (func: number) => void
  ) {
    const heads = TASK_STATES.map(name =>
      el('th', 'number state', [stateIcon(name), el('span', 'head-word', name)], { scope: 'col', title: name })
    );
    const head = el('tr', '', [
      el('th', '', 'function', { scope: 'col' }),
      ...heads,
      el('th', 'number all', 'all', { scope: 'col' }),
      el('th', 'number median', 'median', { scope: 'col', title: 'half of its tasks took less time than this' })
    ]);
    const body = el('tbody');
    this.node = el('div', 'table-scroll', [
      el('table', 'table group-table', [el('thead', '', [head]), body], { 'aria-label': 'tasks by function' })
    ]);
    this._rows = new KeyedList<number>(
      body,
      func => {
        const name = el('button', 'link', '', { type: 'button' });
        name.addEventListener('click', () => choose(func));
        const cells = [...TASK_STATES.map(() => 'number'), 'number all', 'number median'].map(each => el('td', each));
        return el('tr', '', [el('th', '', [name], { scope: 'row' }), ...cells]);
      },
      (row, func) => this._fill(row, func)
    );
  }

  update(): void {
    const model = this._context.model();
    const funcs = model.counts.map((_, func) => func).filter(func => groupTotal(model, func) > 0);
    this._rows.show(funcs.map(func => [`${model.session}/${func}`, func]));
  }

  private _fill(row: HTMLElement, func: number): void {
    const model = this._context.model();
    setText(row.querySelector('button')!, model.nameOf(func));
    setAttribute(row, 'title', model.nameOf(func));
    const cells = row.querySelectorAll('td');
    [...model.counts[func], groupTotal(model, func)].forEach((count, i) => {
      setText(cells[i], formatCount(count));
      cells[i].classList.toggle('jp-gnomon-zero', count === 0);
    });
    const { median } = durationsOf(model, func);
    setText(cells[cells.length - 1], median === null ? '–' : formatDuration(median));
  }

  private readonly _rows: KeyedList<number>;
}
