/**
 * The whole front end in one element: a header with the cluster and its counts, the filter, and the views below it,
 * side by side where there is room, as tabs where there is not.
 */

import type { IChannel } from '../channel';
import { ActorsView } from './actors/actors';
import type { IView, IViewContext } from './context';
import { el } from './ui/dom';
import { Feed } from './model/feed';
import { Filter } from './model/filter';
import { FilterBar } from './controls/filter-bar';
import { foldButton } from './controls/fold-button';
import type { Frames } from './ui/frames';
import { GraphView } from './graph/graph';
import { Header } from './controls/header';
import type { Model } from './model/model';
import { pageLater } from './model/presence';
import { NodesView } from './nodes/nodes';
import { ObjectsView } from './objects/objects';
import { Regions } from './regions';
import { SessionNote } from './controls/session-note';
import { TempoBar } from './controls/tempo-bar';
import type { IPalette } from './ui/theme';
import { followTheme, readPalette } from './ui/theme';
import { TimeBar } from './controls/time-bar';
import { TimelineView } from './timeline/timeline';
import { turnsOfPage } from './model/turns';
import type { ViewName } from './view-names';
import { TWO_FROM, VIEW_NAMES } from './view-names';

/** While tasks go by in thousands nothing moves but what is told, and a clock once a second. */
const RUSH_PAUSE_MS = 1000;

export interface IAppOptions {
  /** One view alone, or all of them. */
  readonly view: ViewName | 'dashboard';
  /** Fills its host's height, as in the side panel, instead of having its own. */
  readonly fill: boolean;
  /** Redraws a second at most; read at every update. */
  readonly fpsMax: () => number;
  /** Changes of anything but tasks that are kept to look back at; some thousands unless given. */
  readonly changesMax?: number;
  /** Which tabs are in front; changed when somebody chooses. A host keeps it to bring another app to the same state. */
  readonly tabs?: Map<ViewName, ViewName>;
}

/** The front end, shown in `root` until disposed. */
export class GnomonApp implements IViewContext {
  readonly feed: Feed;
  readonly filter = new Filter();

  constructor(
    private readonly _root: HTMLElement,
    channel: IChannel,
    private readonly _options: IAppOptions
  ) {
    _root.classList.add('jp-gnomon-root', `jp-gnomon-only-${_options.view}`);
    _root.classList.toggle('jp-gnomon-fill', _options.fill);
    this._stops.push(followTheme(_root, () => this._restyle()));
    this._palette = readPalette(_root);
    this.feed = new Feed(channel, () => Date.now(), _options.changesMax, turnsOfPage(), pageLater);
    this._header = new Header(this.feed);
    this._filterBar = new FilterBar(this);
    this._header.node.lastElementChild!.append(this._filterBar.node);
    this._tempoBar = new TempoBar(this.feed);
    this._timeBar = new TimeBar(this.feed);
    const bars = [this._tempoBar.node, this._timeBar.node, foldButton(this._header.node)];
    this._header.node.append(el('div', 'bars', bars));
    this._views = this._makeViews();
    const nodes = new Map([...this._views].map(([name, view]) => [name, view.node] as const));
    this._regions = new Regions(nodes, () => this._update(), _options.tabs);
    this._note = new SessionNote(_root, _options);
    _root.append(this._header.node, this._note.node, this._regions.node);
    // at once: a frame that some view has asked for before must not draw tasks that are no longer there
    this._stops.push(this.feed.onChange(() => this._update()));
    this._width = _root.clientWidth;
    this._watchSize();
    this._watchVisibility();
    this._update();
  }

  palette(): IPalette {
    return this._palette;
  }

  model(): Model {
    const { model } = this.feed;
    if (!this.filter.active) {
      return model;
    }
    const key = `${model.epoch}/${model.version}/${this.filter.key}`;
    if (key !== this._partKey) {
      this._partKey = key;
      this._part = model.only(task => this.filter.shows(model, task));
    }
    return this._part!;
  }

  filterBy(change: { readonly cell?: string | null; readonly func?: string | null }): void {
    Object.assign(this.filter, change);
    this._update();
  }

  pace(frames: Frames): void {
    frames.fpsMax = this._options.fpsMax();
    frames.pauseMin = this.feed.rush ? RUSH_PAUSE_MS : 0;
  }

  dispose(): void {
    this._stops.splice(0).forEach(stop => stop());
    this._timeBar.dispose();
    this._note.dispose();
    this._views.forEach(view => view.dispose());
    this.feed.dispose();
    this._root.replaceChildren();
  }

  private _makeViews(): Map<ViewName, IView> {
    const { view } = this._options;
    const wanted = VIEW_NAMES.filter(name => view === 'dashboard' || view === name);
    const make: Record<ViewName, () => IView> = {
      graph: () => new GraphView(this),
      timeline: () => new TimelineView(this),
      objects: () => new ObjectsView(this),
      actors: () => new ActorsView(this),
      nodes: () => new NodesView(this)
    };
    return new Map(wanted.map(name => [name, make[name]()]));
  }

  private _update(): void {
    const { model, status } = this.feed;
    const { length } = model.tasks;
    const anew = model.epoch !== this._epoch || length < this._length;
    this._length = length;
    this._epoch = model.epoch;
    if (model.session !== this._session) {
      // another session has other cells and functions
      this._session = model.session;
      this.filter.clear();
    }
    this._header.update();
    this._filterBar.update();
    this._tempoBar.update();
    this._timeBar.update();
    this._note.update(status, model.session !== '');
    this._layOut();
    for (const [name, view] of this._views) {
      // behind a tab it is brought up to date when it is shown; but it must not hold tasks that are no longer there
      if (anew || this._regions.isShown(name)) {
        view.update();
      }
    }
  }

  private _layOut(): void {
    const { model } = this.feed;
    this._regions.update(this._width, {
      graph: model.tasksTotal,
      timeline: 0,
      objects: model.objectTotals.count,
      actors: model.actors.size,
      nodes: [...model.nodes.values()].filter(node => node.alive).length
    });
  }

  private _restyle(): void {
    const palette = readPalette(this._root);
    if (JSON.stringify(palette) !== JSON.stringify(this._palette)) {
      this._palette = palette;
      this._views?.forEach(view => view.restyle());
    }
  }

  private _watchSize(): void {
    let styled = this._root.isConnected;
    const observer = new ResizeObserver(() => {
      if (!styled) {
        // some hosts make a view before they put it into the page, where alone it has colours
        styled = true;
        this._restyle();
      }
      this._width = this._root.clientWidth;
      this._root.classList.toggle('jp-gnomon-wide', this._width >= TWO_FROM);
      this._layOut();
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

  private readonly _header: Header;
  private readonly _filterBar: FilterBar;
  private readonly _tempoBar: TempoBar;
  private readonly _timeBar: TimeBar;
  private readonly _views: Map<ViewName, IView>;
  private readonly _regions: Regions;
  private readonly _stops: (() => void)[] = [];
  private readonly _note: SessionNote;
  private _palette: IPalette;
  /** Noted when it changes: to ask for it at every update would make the page lay itself out each time. */
  private _width = 0;
  private _epoch = 0;
  private _session = '';
  private _length = 0;
  private _part: Model | null = null;
  private _partKey = '';
}
