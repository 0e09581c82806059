/** The places of the views: regions beside and below each other, with tabs where several views share one. */

import { el, setAttribute, setHidden, setText } from './ui/dom';
import { shortCount } from './ui/format';
import type { Region, ViewName } from './view-names';
import { firstOf, regionsFor, VIEW_NAMES, VIEW_TITLES } from './view-names';

/** Narrower tabs say their names alone. */
const COUNTS_FROM = 420;

let serial = 0;

type Counts = Readonly<Record<ViewName, number>>;

/** All regions of one front end. */
export class Regions {
  readonly node = el('div', 'views');

  constructor(
    nodes: ReadonlyMap<ViewName, HTMLElement>,
    private readonly _shown: () => void,
    /** By the first view of a region, the one that somebody has chosen. */
    private readonly _chosen = new Map<ViewName, ViewName>()
  ) {
    for (const [name, node] of nodes) {
      this._panes.set(name, el('div', `pane pane-${name}`, [node], { id: this._id(name, 'pane') }));
    }
  }

  /** Whether a view can be seen, as far as tabs go. */
  isShown(name: ViewName): boolean {
    return this._panes.get(name)?.hidden === false;
  }

  /** Shows a view that is behind a tab. */
  choose(name: ViewName): void {
    const region = this._regions.find(candidate => candidate.includes(name));
    if (region) {
      this._chosen.set(region[0], name);
      this._showPanes();
      this._shown();
    }
  }

  /** Fits the regions to a width, and the tabs to what there is. */
  update(width: number, counts: Counts): void {
    this._counts = counts;
    const rows = regionsFor(width, [...this._panes.keys()]);
    const key = JSON.stringify(rows);
    if (key !== this._key) {
      this._key = key;
      this._build(rows);
    }
    for (const [name, tab] of this._tabs) {
      const counted = width >= COUNTS_FROM && counts[name] > 0;
      setText(tab, counted ? `${VIEW_TITLES[name]} ${shortCount(counts[name])}` : VIEW_TITLES[name]);
    }
    this._showPanes();
  }

  private _build(rows: readonly (readonly Region[])[]): void {
    this._tabs.clear();
    this._regions = rows.flat();
    this.node.replaceChildren(
      ...rows.map(row => {
        return el(
          'div',
          'region-row',
          row.map(region => this._region(region))
        );
      })
    );
  }

  private _region(region: Region): HTMLElement {
    const panes = region.map(name => this._panes.get(name)!);
    const place = el('div', 'region-panes', panes);
    return el('div', `region region-${region[0]}`, region.length > 1 ? [this._tabList(region), place] : [place]);
  }

  private _tabList(region: Region): HTMLElement {
    for (const name of region) {
      const tab = el('button', 'tab', VIEW_TITLES[name], {
        type: 'button',
        role: 'tab',
        id: this._id(name, 'tab'),
        'aria-controls': this._id(name, 'pane')
      });
      tab.addEventListener('click', () => this.choose(name));
      this._tabs.set(name, tab);
    }
    const tabs = region.map(name => this._tabs.get(name)!);
    const list = el('div', 'tabs', tabs, { role: 'tablist', 'aria-label': 'views' });
    list.addEventListener('keydown', event => {
      const at = region.findIndex(name => this.isShown(name));
      const to: Record<string, number> = {
        ArrowRight: at + 1,
        ArrowLeft: at - 1 + region.length,
        Home: 0,
        End: region.length - 1
      };
      if (event.key in to) {
        const next = region[to[event.key] % region.length];
        this.choose(next);
        this._tabs.get(next)!.focus();
        event.preventDefault();
        event.stopPropagation();
      }
    });
    return list;
  }

  private _showPanes(): void {
    for (const region of this._regions) {
      const chosen = this._chosen.get(region[0]);
      const seen = chosen && region.includes(chosen) ? chosen : firstOf(region, this._counts);
      for (const name of region) {
        const pane = this._panes.get(name)!;
        setHidden(pane, name !== seen);
        const tab = this._tabs.get(name);
        if (tab) {
          setAttribute(tab, 'aria-selected', String(name === seen));
          setAttribute(tab, 'tabindex', name === seen ? '0' : '-1');
          setAttribute(pane, 'role', 'tabpanel');
          setAttribute(pane, 'aria-labelledby', this._id(name, 'tab'));
        } else {
          pane.removeAttribute('role');
          pane.removeAttribute('aria-labelledby');
        }
      }
    }
  }

  private _id(name: ViewName, part: string): string {
    return `jp-gnomon-${this._serial}-${name}-${part}`;
  }

  private readonly _serial = ++serial;
  private readonly _panes = new Map<ViewName, HTMLElement>();
  private readonly _tabs = new Map<ViewName, HTMLElement>();
  private _regions: readonly Region[] = [];
  private _counts: Counts = Object.fromEntries(VIEW_NAMES.map(name => [name, 0])) as Record<ViewName, number>;
  private _key = '';
}
