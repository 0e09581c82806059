/** The actors view: a card for each actor, with what it does now, what waits for it, and how it died. */

import { actorCounts } from '../model/actor-counts';
import { CellLink } from '../ui/cell-link';
import type { IView, IViewContext } from '../context';
import { el, KeyedList, setAttribute, setHidden, setText, stateIcon } from '../ui/dom';
import { emptyNote } from '../ui/empty-note';
import { formatCount, plural } from '../ui/format';
import { sureButton } from '../ui/sure-button';
import { WatchedList } from './watched';
import type { IActorRow } from '../model/wire';

/** Cards shown; the heading counts all. */
const CARDS_MAX = 60;
/** Calls in the mailbox drawn as dots; more become "+ n". */
const DOTS_MAX = 10;
/** Which actors come first when there are many. */
const STATE_ORDER: Readonly<Record<string, number>> = { restarting: 0, alive: 1, pending: 2, dead: 3 };

/** The actors view. */
export class ActorsView implements IView {
  readonly node: HTMLElement;

  constructor(private readonly _context: IViewContext) {
    this._cards = new KeyedList<IActorRow>(this._list, makeCard, (card, actor) => this._fill(card, actor));
    this.node = el('div', 'view actors', [this._heading, this._list, this._more, this._empty], { role: 'group' });
    this.update();
  }

  update(): void {
    const { model } = this._context.feed;
    const { alive, restarting, dead, pending } = actorCounts(model);
    setAttribute(this.node, 'aria-label', `actors: ${alive} alive, ${restarting} restarting, ${dead} dead`);
    const words = [`${alive} alive`];
    for (const [count, name] of [
      [pending, 'pending'],
      [restarting, 'restarting'],
      [dead, 'dead']
    ] as const) {
      if (count > 0) {
        words.push(`${count} ${name}`);
      }
    }
    setText(this._words, words.join(' · '));
    const { filter } = this._context;
    const actors = [...model.actors.values()].filter(
      actor => filter.showsCell(model, actor.cell) && filter.showsClass(actor.class)
    );
    if (actors.length > CARDS_MAX) {
      actors.sort((a, b) => (STATE_ORDER[a.state] ?? 9) - (STATE_ORDER[b.state] ?? 9));
    }
    setText(this._empty.firstElementChild!, model.actors.size > 0 ? 'No actors pass the filter' : 'No actors yet');
    setHidden(this._empty, actors.length > 0);
    [this._heading, this._list].forEach(part => setHidden(part, actors.length === 0));
    setHidden(this._more, actors.length <= CARDS_MAX);
    setText(this._more, `and ${plural(actors.length - CARDS_MAX, 'more actor')}`);
    this._cards.show(actors.slice(0, CARDS_MAX).map(actor => [actor.id, actor]));
  }

  restyle(): void {
    // made of elements only: the style sheet does it
  }

  dispose(): void {
    // nothing to give back
  }

  private _fill(card: HTMLElement, actor: IActorRow): void {
    const [head, now, fields, figures, cause] = card.children;
    const watched = this._watched.get(card) ?? new WatchedList();
    const link = this._links.get(card) ?? new CellLink(text => setText(figures.children[2], text));
    if (!this._watched.has(card)) {
      this._watched.set(card, watched);
      this._links.set(card, link);
      fields.append(watched.node);
      figures.append(el('span'), link.node, el('span', 'card-note', '', { role: 'status' }));
      card.append(this._controls(actor.id));
    }
    setHidden(card.lastElementChild as HTMLElement, actor.state === 'dead' || !this._context.feed.canAct);
    watched.show(actor, this._context.feed.model.histories);
    if (card.dataset.state !== actor.state) {
      card.dataset.state = actor.state;
      head.replaceChild(stateIcon(actor.state), head.children[0]);
      setText(head.children[3], actor.state);
    }
    setText(head.children[1], actor.class);
    setText(head.children[2], actor.name ? `“${actor.name}”` : '');
    this._fillMailbox(now, actor);
    const { model } = this._context.feed;
    const parts = [doneWords(actor)];
    if (actor.restarts > 0) {
      parts.push(plural(actor.restarts, 'restart'));
    }
    if (actor.pid) {
      parts.push(`worker ${actor.pid}`);
    }
    const node = actor.node ? model.nodes.get(actor.node)?.label : '';
    if (node && model.nodes.size > 1) {
      parts.push(node);
    }
    if (actor.stale) {
      parts.push('older definition');
    }
    card.classList.toggle('jp-gnomon-stale', actor.stale === true);
    const cell = model.cells[actor.cell];
    link.show(cell?.id ? cell : undefined, actor.line ?? 0);
    setText(figures.children[0], parts.join(' · '));
    setHidden(cause as HTMLElement, !actor.cause);
    setText(cause, actor.cause ?? '');
  }

  private _controls(id: string): HTMLElement {
    const { feed } = this._context;
    return el('div', 'card-controls', [
      sureButton('kill', 'really kill?', 'End this actor; calls that have not ended fail', () => feed.kill(id, false)),
      sureButton('restart', 'really restart?', 'End this actor; it starts anew if its max_restarts allows it', () =>
        feed.kill(id, true)
      )
    ]);
  }

  private _fillMailbox(now: Element, actor: IActorRow): void {
    const [method, dots, words] = now.children;
    const busy = Boolean(actor.current);
    setHidden(now as HTMLElement, actor.state === 'dead');
    const idle = actor.state === 'alive' ? 'idle' : 'starting';
    setText(method, busy ? `${actor.current}` : idle);
    method.classList.toggle('jp-gnomon-busy', busy);
    const wanted = Math.min(DOTS_MAX, actor.pending);
    while (dots.childElementCount > wanted) {
      dots.lastElementChild!.remove();
    }
    while (dots.childElementCount < wanted) {
      dots.append(el('i', 'dot'));
    }
    setText(words, actor.pending > 0 ? `${formatCount(actor.pending)} pending` : 'nothing pending');
  }

  private readonly _words = el('span', 'muted');
  private readonly _heading = el('div', 'view-heading', [el('strong', '', 'Actors'), this._words]);
  private readonly _list = el('div', 'cards', [], { role: 'list' });
  private readonly _cards: KeyedList<IActorRow>;
  private readonly _watched = new WeakMap<HTMLElement, WatchedList>();
  private readonly _links = new WeakMap<HTMLElement, CellLink>();
  private readonly _more = el('div', 'muted more');
  private readonly _empty = emptyNote('', 'Make one from a remote class', 'Counter.remote()');
}

/** Calls that have ended; of an actor that was restarted also those since. */
function doneWords({ done, restarts, done_since_restart: since }: IActorRow): string {
  const all = `${formatCount(done)} done`;
  return restarts > 0 && since !== undefined ? `${all}, ${formatCount(since)} since restart` : all;
}

function makeCard(actor: IActorRow): HTMLElement {
  const head = el('div', 'card-head', [
    stateIcon(actor.state),
    el('strong', 'card-class'),
    el('span', 'card-name'),
    el('span', 'card-state', actor.state)
  ]);
  const now = el('div', 'card-now', [
    el('code', 'method', '', { title: 'method running now' }),
    el('span', 'dots', [], { 'aria-hidden': 'true' }),
    el('span', 'muted', '', { title: 'calls waiting in the mailbox' })
  ]);
  const card = el(
    'div',
    'card',
    [head, now, el('div'), el('div', 'muted card-figures'), el('div', 'error-text card-cause')],
    {
      role: 'listitem'
    }
  );
  card.dataset.state = actor.state;
  return card;
}
