/**
 * The card below the table of objects: who holds the chosen one, by name.
 *
 * The kernel has to ask all processes for it, so it is asked when an object is chosen, and never by itself again.
 */

import { CardKeys } from '../ui/card-keys';
import type { ICell } from '../model/wire';
import { cellLink } from '../ui/cell-link';
import { el } from '../ui/dom';
import type { IFault } from '../nodes/fault-buttons';
import { FaultButtons } from '../nodes/fault-buttons';
import type { Feed, IObjectDetail } from '../model/feed';

const LISTED_AT_MOST = 12;
const ASKED = 'asked for in';

/** The card. Empty and hidden while nothing is chosen. */
export class ObjectCard {
  readonly node = el('div', 'object-card', [], {
    role: 'group',
    'aria-live': 'polite',
    'aria-label': 'who holds the object'
  });

  constructor(
    private readonly _feed: Pick<Feed, 'askObject' | 'onObject' | 'makeFault' | 'onNote' | 'canAct' | 'model'>,
    private readonly _close: () => void,
    private readonly _faultsOf: (id: string) => readonly IFault[] = () => []
  ) {
    this.node.hidden = true;
    this._faults = new FaultButtons(_feed);
    this.node.append(this._body, this._faults.node);
    this._keys = new CardKeys(this.node, () => _close());
    this._stop = _feed.onObject(detail => this._answered(detail));
  }

  /** Shows an object; '' shows nothing. */
  show(id: string): void {
    this._id = id;
    if (id === '') {
      this._keys.closing();
    } else {
      this._keys.opening();
    }
    this.node.hidden = id === '';
    if (id === '') {
      this._body.replaceChildren();
      return;
    }
    this._faults.show(this._feed.canAct ? this._faultsOf(id) : []);
    if (!this._feed.canAct) {
      this._fill([el('p', 'muted', 'Who holds an object is known of now only: nobody can be asked about the past.')]);
      return;
    }
    this._fill([el('p', 'muted', 'Asking who holds it …')]);
    this._feed.askObject(id);
  }

  dispose(): void {
    this._stop();
    this._faults.dispose();
  }

  private _answered(detail: IObjectDetail): void {
    if (detail.id === this._id && this._id !== '') {
      this._fill(this._content(detail));
    }
  }

  private _content(detail: IObjectDetail): Node[] {
    if (detail.there === false) {
      return [el('p', 'muted', 'It has been freed: nobody held it any more.')];
    }
    const note = el('p', 'muted detail-note', '', { role: 'status' });
    const place = placeOf(detail.call_site ?? '', this._feed.model.cells);
    const link = place && cellLink(place.cell, place.line, text => (note.textContent = text));
    const rows = describe(detail).flatMap(([term, value]) => [
      el('dt', '', term),
      el('dd', '', link && term === ASKED ? [link] : value)
    ]);
    return [el('dl', 'facts', rows), note];
  }

  private _fill(parts: readonly Node[]): void {
    const again = el('button', 'link', 'look again', { type: 'button' });
    again.addEventListener('click', () => this.show(this._id));
    const close = el('button', 'close', '×', { type: 'button', 'aria-label': 'Close', title: 'Close' });
    close.addEventListener('click', () => this._close());
    const title = el('strong', 'detail-title', `object …${this._id.slice(-12)}`);
    this._body.replaceChildren(el('div', 'detail-head', [title, again, close]), ...parts);
  }

  private _id = '';
  private readonly _body = el('div');
  private readonly _faults: FaultButtons;
  private readonly _keys: CardKeys;
  private readonly _stop: () => void;
}

/** What the card says of an object that is there, as terms and texts. */
export function describe(detail: IObjectDetail): (readonly [term: string, value: string])[] {
  const holders = detail.holders ?? [];
  const facts: (readonly [string, string])[] = holders
    .slice(0, LISTED_AT_MOST)
    .map((holder, index) => [index === 0 ? 'held by' : '', holder] as const);
  if (holders.length === 0) {
    facts.push(['held by', 'nobody that answered']);
  } else if (holders.length > LISTED_AT_MOST) {
    facts.push(['', `and ${holders.length - LISTED_AT_MOST} more`]);
  }
  if (detail.complete === false) {
    facts.push(['', 'Some processes could not say all in time.']);
  }
  if (detail.call_site) {
    facts.push([ASKED, detail.call_site.replace(/:(\d+)$/, ', line $1')]);
  }
  if (detail.owner) {
    facts.push(['owner', detail.owner]);
  }
  if (detail.copies !== undefined && detail.copies > 1) {
    facts.push(['copies', `${detail.copies}, one on each of as many nodes`]);
  }
  return facts;
}

/** The cell and the line of a place like "In [3]:2", if it is one of those that the views know. */
export function placeOf(site: string, cells: readonly ICell[]): { readonly cell: ICell; readonly line: number } | null {
  const [, label, line] = /^(.+):(\d+)$/.exec(site) ?? [];
  const cell = cells.find(each => each.id !== '' && each.label === label);
  return cell ? { cell, line: Number(line) } : null;
}
