/**
 * The whole front end in one element: a header with the cluster and its counts, and the views below it, side by
 * side where there is room, as tabs where there is not.
 */

import type { IChannel } from '../channel';
import { ActorsView } from './actors';
import type { IView, IViewContext } from './context';
import { el, setAttribute, setText } from './dom';
import { Feed } from './feed';
import { shortCount } from './format';
import { GraphView } from './graph';
import { Header } from './header';
import { ObjectsView } from './objects';
import type { IPalette } from './theme';
import { followTheme, readPalette } from './theme';

export const VIEW_NAMES = ['graph', 'objects', 'actors'] as const;

export type ViewName = (typeof VIEW_NAMES)[number];

const TITLES: Readonly<Record<ViewName, string>> = { graph: 'Graph', objects: 'Objects', actors: 'Actors' };

/** From this width on, in pixels, the views stand side by side. */
const WIDE_FROM = 640;

export interface IAppOptions {
  /** One view alone, or all of them. */
  readonly view: ViewName | 'dashboard';
  /** Fills its host's height, as in the side panel, instead of having its own. */
  readonly fill: boolean;
  /** Redraws a second at most; read at every update. */
  readonly fpsMax: () => number;
}

let serial = 0;

/** The front end, shown in `root` until disposed. */
export class GnomonApp implements IViewContext {
  readonly feed: Feed;

  constructor(
    private readonly _root: HTMLElement,
    channel: IChannel,
    private readonly _options: IAppOptions
  ) {
    _root.classList.add('jp-gnomon-root', `jp-gnomon-only-${_options.view}`);
    _root.classList.toggle('jp-gnomon-fill', _options.fill);
    this._stops.push(followTheme(_root, () => this._restyle()));
    this._palette = readPalette(_root);
    this.feed = new Feed(channel);
    this._header = new Header(this.feed);
    this._views = this._makeViews();
    this._build();
    this._stops.push(this.feed.onChange(() => this._later()));
    this._watchSize();
    this._watchVisibility();
    this._update();
  }

  palette(): IPalette {
    return this._palette;
  }

  fpsMax(): number {
    return this._options.fpsMax();
  }

  dispose(): void {
    cancelAnimationFrame(this._frame);
    this._stops.splice(0).forEach(stop => stop());
    this._views.forEach(view => view.dispose());
    this.feed.dispose();
    this._root.replaceChildren();
  }

  private _makeViews(): Map<ViewName, IView> {
    const { view } = this._options;
    const wanted = VIEW_NAMES.filter(name => view === 'dashboard' || view === name);
    const make: Record<ViewName, () => IView> = {
      graph: () => new GraphView(this),
      objects: () => new ObjectsView(this),
      actors: () => new ActorsView(this)
    };
    return new Map(wanted.map(name => [name, make[name]()]));
  }

  private _build(): void {
    const place = el('div', 'views');
    const nodes: HTMLElement[] = [this._header.node];
    if (this._views.size > 1) {
      nodes.push(this._makeTabs());
    }
    for (const [name, view] of this._views) {
      const pane = el('div', `pane pane-${name}`, [view.node], { id: this._id(name, 'pane') });
      this._panes.set(name, pane);
      place.append(pane);
    }
    this._root.append(...nodes, this._hint, place);
    this._choose(VIEW_NAMES.find(name => this._views.has(name))!);
  }

  private _makeTabs(): HTMLElement {
    const names = [...this._views.keys()];
    for (const name of names) {
      const tab = el('button', 'tab', TITLES[name], {
        type: 'button',
        role: 'tab',
        id: this._id(name, 'tab'),
        'aria-controls': this._id(name, 'pane')
      });
      tab.addEventListener('click', () => this._choose(name));
      this._tabs.set(name, tab);
    }
    const list = el('div', 'tabs', [...this._tabs.values()], { role: 'tablist', 'aria-label': 'views' });
    list.addEventListener('keydown', event => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (step) {
        const next = names[(names.indexOf(this._chosen) + step + names.length) % names.length];
        this._choose(next);
        this._tabs.get(next)!.focus();
        event.preventDefault();
        event.stopPropagation();
      }
    });
    return list;
  }

  private _choose(name: ViewName): void {
    this._chosen = name;
    for (const [other, tab] of this._tabs) {
      setAttribute(tab, 'aria-selected', String(other === name));
      setAttribute(tab, 'tabindex', other === name ? '0' : '-1');
    }
    this._layOut();
  }

  /** Shows all panes side by side, or the chosen one. Actors get a place of their own once there are any. */
  private _layOut(): void {
    const wide = this._wide;
    const actors = this.feed.model.actors.size > 0;
    this._root.classList.toggle('jp-gnomon-wide', wide);
    this._root.classList.toggle('jp-gnomon-has-actors', actors);
    for (const [name, pane] of this._panes) {
      pane.hidden = this._views.size > 1 && (wide ? name === 'actors' && !actors : name !== this._chosen);
      const asTab = this._views.size > 1 && !wide;
      setAttribute(pane, 'role', asTab ? 'tabpanel' : 'presentation');
      if (asTab) {
        setAttribute(pane, 'aria-labelledby', this._id(name, 'tab'));
      } else {
        pane.removeAttribute('aria-labelledby');
      }
    }
  }

  private _later(): void {
    if (this._frame === 0) {
      this._frame = requestAnimationFrame(() => {
        this._frame = 0;
        this._update();
      });
    }
  }

  private _update(): void {
    const { model, status } = this.feed;
    this._header.update();
    const idle = status === 'idle' && model.version === 0;
    this._hint.hidden = !idle;
    this._titleTabs();
    this._layOut();
    this._views.forEach(view => view.update());
  }

  private _titleTabs(): void {
    const { model } = this.feed;
    const counts: Record<ViewName, number> = {
      graph: model.tasksTotal,
      objects: model.objectTotals.count,
      actors: model.actors.size
    };
    for (const [name, tab] of this._tabs) {
      setText(tab, counts[name] > 0 ? `${TITLES[name]} ${shortCount(counts[name])}` : TITLES[name]);
    }
  }

  private _restyle(): void {
    this._palette = readPalette(this._root);
    this._views?.forEach(view => view.restyle());
  }

  private _watchSize(): void {
    const observer = new ResizeObserver(() => {
      const wide = this._root.clientWidth >= WIDE_FROM;
      if (wide !== this._wide) {
        this._wide = wide;
        this._layOut();
      }
    });
    observer.observe(this._root);
    this._stops.push(() => observer.disconnect());
  }

  /** Nothing is sent to a view that nobody sees: scrolled away, in a hidden panel or in a hidden page. */
  private _watchVisibility(): void {
    let inSight = true;
    const tell = (): void => this.feed.setVisible(inSight && document.visibilityState !== 'hidden');
    const observer = new IntersectionObserver(entries => {
      inSight = entries[entries.length - 1].isIntersecting;
      tell();
    });
    observer.observe(this._root);
    document.addEventListener('visibilitychange', tell);
    this._stops.push(() => {
      observer.disconnect();
      document.removeEventListener('visibilitychange', tell);
    });
  }

  private _id(name: ViewName, part: string): string {
    return `jp-gnomon-${this._serial}-${name}-${part}`;
  }

  private readonly _serial = ++serial;
  private readonly _header: Header;
  private readonly _views: Map<ViewName, IView>;
  private readonly _tabs = new Map<ViewName, HTMLElement>();
  private readonly _panes = new Map<ViewName, HTMLElement>();
  private readonly _stops: (() => void)[] = [];
  private readonly _hint = el('div', 'hint', [
    el('strong', '', 'No cluster is running.'),
    el('span', '', ' Start one in a cell with '),
    el('code', '', '%remote start')
  ]);
  private _palette: IPalette;
  private _chosen: ViewName = 'graph';
  private _wide = false;
  private _frame = 0;
}
