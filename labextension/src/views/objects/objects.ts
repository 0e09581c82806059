/** The objects view: how full shared memory is, and which objects fill it, as a treemap and as a table. */

import { CellLink } from '../ui/cell-link';
import type { IView, IViewContext } from '../context';
import { el, KeyedList, setAttribute, setHidden, setText, stateIcon } from '../ui/dom';
import { emptyNote } from '../ui/empty-note';
import { objectFault } from '../nodes/fault-lab';
import { formatBytes, formatCount, plural } from '../ui/format';
import type { Model } from '../model/model';
import type { IObjectRow } from '../model/object-rows';
import { nodesOf } from '../model/object-rows';
import type { IMeter } from '../ui/meter';
import { fillMeter, makeMeter, storeMeter } from '../ui/meter';
import { OBJECT_STATE_MEANING } from '../model/states';
import { ObjectCard } from './object-card';
import { Treemap } from './treemap';

/** Rows in the table; the header counts all. */
const ROWS_MAX = 60;

type SortKey = 'size' | 'state' | 'producer' | 'holders';

const COLUMNS: readonly { readonly key: SortKey; readonly title: string; readonly classes: string }[] = [
  { key: 'producer', title: 'made by', classes: '' },
  { key: 'size', title: 'size', classes: 'number' },
  { key: 'state', title: 'where', classes: '' },
  { key: 'holders', title: 'holders', classes: 'number' }
];

/** The objects view. */
export class ObjectsView implements IView {
  readonly node: HTMLElement;

  constructor(private readonly _context: IViewContext) {
    this._treemap = new Treemap(_context, id => this._choose(id));
    const body = el('tbody');
    this._rows = new KeyedList<IObjectRow>(
      body,
      () => this._makeRow(),
      (element, row) => this._fillRow(element, row),
      true
    );
    const table = el('table', 'table table-of-objects', [el('thead', '', [this._heads()]), body], {
      'aria-label': 'objects'
    });
    this._scroll = el('div', 'table-scroll', [table, this._more]);
    this._card = new ObjectCard(
      _context.feed,
      () => this._choose(''),
      id => [objectFault(_context.feed.model, id)]
    );
    const content = el('div', 'objects-content', [this._treemap.node, this._scroll]);
    const meterList = el('div', 'meters', [this._meters]);
    this.node = el('div', 'view objects', [meterList, content, this._card.node, this._empty], { role: 'group' });
    this._content = content;
    this._meterRows = new KeyedList<IMeter>(this._meters, makeMeter, fillMeter);
    this.update();
  }

  update(): void {
    const { model } = this._context.feed;
    const totals = model.objectTotals;
    setAttribute(
      this.node,
      'aria-label',
      `objects: ${plain(totals.count, 'object')}, ${formatBytes(totals.storeUsedBytes)} in store`
    );
    this._meterRows.show(meters(model).map(meter => [meter.key, meter]));
    const { key } = this._context.filter;
    const shown = `${model.epoch}/${model.objectsVersion}/${model.cells.length}/${model.nodes.size}/${key}/${this._context.feed.ended}/${this._context.feed.at === null}`;
    if (shown !== this._shown) {
      this._shown = shown;
      this._updateRows(model);
    }
  }

  private _updateRows(model: Model): void {
    const rows = this._sorted(model);
    const [title, text, code] = this._empty.children as unknown as HTMLElement[];
    const { feed } = this._context;
    const ended = feed.ended && feed.at === null;
    setText(title, model.objects.size > 0 ? 'No objects pass the filter' : ended ? 'No objects' : 'No objects yet');
    setText(text, ended ? 'They went with their session.' : 'Results of tasks appear here, and values that you put');
    code.hidden = ended;
    this._empty.hidden = rows.length > 0;
    this._content.hidden = rows.length === 0;
    this._rows.show(rows.slice(0, ROWS_MAX).map(row => [row.id, row]));
    this._content.classList.toggle('jp-gnomon-several', model.nodes.size > 1);
    const all = this._context.filter.active ? rows.length : Math.max(rows.length, model.objectTotals.count);
    setHidden(this._more, all <= ROWS_MAX || rows.length === 0);
    setText(this._more, `and ${plural(all - Math.min(ROWS_MAX, rows.length), 'more object')}`);
    this._context.pace(this._treemap.frames);
    this._treemap.update();
  }

  restyle(): void {
    this._treemap.invalidate();
  }

  dispose(): void {
    this._treemap.dispose();
    this._card.dispose();
  }

  private _sorted(model: Model): IObjectRow[] {
    const rows = this._context.filter.objects(model);
    const key = this._sort;
    if (key !== 'size') {
      rows.sort((a, b) => (key === 'holders' ? b.holders - a.holders : a[key].localeCompare(b[key])));
    }
    return this._reversed ? rows.reverse() : rows;
  }

  private _heads(): HTMLElement {
    const heads = COLUMNS.map(({ key, title, classes }) => {
      const button = el('button', 'sort', title, { type: 'button', title: `Sort by ${title}` });
      const head = el('th', classes, [button], {
        scope: 'col',
        'aria-sort': key === this._sort ? 'descending' : 'none'
      });
      button.addEventListener('click', () => {
        this._reversed = this._sort === key && !this._reversed;
        this._sort = key;
        heads.forEach(other => setAttribute(other, 'aria-sort', 'none'));
        const down = (key === 'size' || key === 'holders') !== this._reversed;
        setAttribute(head, 'aria-sort', down ? 'descending' : 'ascending');
        this._updateRows(this._context.feed.model);
      });
      return head;
    });
    return el('tr', '', heads);
  }

  private _makeRow(): HTMLElement {
    const name = el('button', 'link object-name', '', { type: 'button', 'aria-label': 'Show who holds it' });
    name.addEventListener('click', () => this._choose(this._ids.get(element)!));
    const note = el('span', 'card-note', '', { role: 'status' });
    const cell = new CellLink(text => setText(note, text));
    cell.node.classList.add('jp-gnomon-object-cell');
    const element = el('tr', '', [
      el('td', 'clip', [name, cell.node, note]),
      el('td', 'number'),
      el('td', 'state-cell'),
      el('td', 'number')
    ]);
    this._cells.set(element, cell);
    element.addEventListener('mouseenter', () => this._treemap.mark(this._ids.get(element)!));
    element.addEventListener('mouseleave', () => this._treemap.mark(null));
    return element;
  }

  private _fillRow(element: HTMLElement, row: IObjectRow): void {
    const { model } = this._context.feed;
    const [name, size, state, holders] = element.children;
    if (this._ids.get(element) !== row.id) {
      this._ids.set(element, row.id);
      setText(name.children[2], ''); // what was said to another object
    }
    setText(name.children[0], row.producer || 'put');
    setAttribute(name.children[0], 'aria-label', `${row.producer || 'put'}: show who holds it`);
    const cell = model.cells[row.cell];
    this._cells.get(element)!.show(cell?.id ? cell : undefined, 0);
    const node = nodesOf(model.nodes, row);
    setAttribute(element, 'title', `${row.producer || 'put'}: object ${row.id}${node === '' ? '' : ` on ${node}`}`);
    setText(size, row.state === 'pending' ? '–' : formatBytes(row.size));
    if (state.getAttribute('data-state') !== row.state) {
      setAttribute(state, 'data-state', row.state);
      setAttribute(state, 'title', (OBJECT_STATE_MEANING as Record<string, string>)[row.state] ?? row.state);
      state.replaceChildren(stateIcon(row.state), el('span', '', row.state), el('span', 'muted object-node'));
    }
    setText(state.lastElementChild!, model.nodes.size > 1 && node !== '' ? ` ${node}` : '');
    setText(holders, formatCount(row.holders));
    element.classList.toggle('jp-gnomon-chosen', row.id === this._chosen);
  }

  /** A tile or a row was clicked: bring the row into sight, and say who holds it. */
  private _choose(id: string): void {
    this._chosen = id === this._chosen ? '' : id;
    this._card.show(this._chosen);
    this._updateRows(this._context.feed.model);
    this._scroll.querySelector('.jp-gnomon-chosen')?.scrollIntoView({ block: 'nearest' });
  }

  private readonly _treemap: Treemap;
  private readonly _card: ObjectCard;
  private readonly _rows: KeyedList<IObjectRow>;
  private readonly _meters = el('div', 'meter-list');
  private readonly _meterRows: KeyedList<IMeter>;
  private readonly _cells = new WeakMap<HTMLElement, CellLink>();
  /** Which object a row shows. */
  private readonly _ids = new WeakMap<HTMLElement, string>();
  private readonly _scroll: HTMLElement;
  private readonly _content: HTMLElement;
  private readonly _more = el('div', 'muted more');
  private readonly _empty = emptyNote('', '', 'gnomon.put(1)');
  private _sort: SortKey = 'size';
  private _reversed = false;
  private _shown = '';
  private _chosen = '';
}

/** A meter for the store; one for each node where there are several. */
function meters(model: Model): IMeter[] {
  const totals = model.objectTotals;
  const small = totals.memoryBytes > 0 ? `${formatBytes(totals.memoryBytes)} in memory` : '';
  const counted = plural(totals.count, 'object');
  const nodes = [...model.nodes.values()].filter(node => node.alive);
  const note = [counted, small].filter(part => part !== '').join(' · ');
  const label = nodes.length > 1 ? `Object stores of ${nodes.length} nodes` : 'Object store';
  const all = storeMeter('all', label, totals.storeUsedBytes, totals.storeCapacityBytes, note);
  if (nodes.length < 2) {
    return [all];
  }
  return [all].concat(
    nodes.map(node => storeMeter(node.id, node.label, node.store_used_bytes, node.store_capacity_bytes, ''))
  );
}

function plain(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
