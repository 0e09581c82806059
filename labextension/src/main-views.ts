/**
 * The views as tabs of the main area: opened by commands, restored after a reload of the page.
 *
 * A tab follows the notebook in front, or is pinned to one. A view that follows is opened once: asked for again, it
 * comes to the front. Pinned ones do not count, so that two notebooks can be watched beside each other.
 */

import type { ILayoutRestorer, JupyterFrontEnd } from '@jupyterlab/application';
import { MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import type { INotebookTracker } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import { UUID } from '@lumino/coreutils';
import { ClusterView } from './cluster-view';
import { gnomonIcon } from './icon';
import { NotebookChoice } from './notebook-choice';
import type { Settings } from './settings';
import type { IAppOptions } from './views/app';
import { VIEW_NAMES, VIEW_TITLES } from './views/view-names';

export const OPEN_VIEW = 'gnomon:open-view';

export type AnyView = IAppOptions['view'];

/** All that a tab can show, the dashboard first. */
export const ANY_VIEWS: readonly AnyView[] = ['dashboard', ...VIEW_NAMES];

type Tab = MainAreaWidget<ClusterView>;

/** What brings a tab back after a reload. */
interface ITabArgs {
  readonly view?: unknown;
  /** Notebook to which it is pinned. */
  readonly path?: unknown;
  /** Of the widget. */
  readonly id?: unknown;
}

export function viewTitle(view: AnyView): string {
  return view === 'dashboard' ? 'Dashboard' : VIEW_TITLES[view];
}

/** The tabs. */
export class MainViews {
  readonly tracker = new WidgetTracker<Tab>({ namespace: 'gnomon-views' });

  constructor(
    private readonly _app: JupyterFrontEnd,
    private readonly _notebooks: INotebookTracker,
    private readonly _settings: Settings,
    private readonly _trans: TranslationBundle
  ) {}

  /** What opens where no view is named. */
  get defaultView(): AnyView {
    return this._settings.defaultView;
  }

  /**
   * Opens a view, or brings the one there is to the front. Returns its tab, once the layout knows it: else a layout that
   * is restored meanwhile would leave it out.
   */
  async open(args: ITabArgs): Promise<Tab> {
    const view = ANY_VIEWS.find(known => known === args.view) ?? this.defaultView;
    const path = typeof args.path === 'string' ? args.path : '';
    const same = (tab: Tab): boolean =>
      typeof args.id === 'string' ? tab.id === args.id : tab.content.view === view && tab.content.choice.path === path;
    let tab = this.tracker.find(same);
    if (!tab) {
      tab = this._make(view, path, typeof args.id === 'string' ? args.id : `gnomon-view-${UUID.uuid4()}`);
      const { currentWidget: other } = this.tracker;
      this._app.shell.add(tab, 'main', other ? { ref: other.id, mode: 'tab-after' } : { mode: 'split-right' });
      await this.tracker.add(tab);
    }
    this._app.shell.activateById(tab.id);
    return tab;
  }

  /** Brings back the tabs that were open when the page was left. */
  restore(restorer: ILayoutRestorer): void {
    void restorer.restore(this.tracker, {
      command: OPEN_VIEW,
      args: ({ id, content }) => ({ id, view: content.view, path: content.choice.path }),
      name: ({ id }) => id
    });
  }

  private _make(view: AnyView, path: string, id: string): Tab {
    const content = new ClusterView({
      view,
      choice: new NotebookChoice(this._notebooks, path),
      trans: this._trans,
      fpsMax: () => this._settings.maxFps,
      open: notebook => void this._app.commands.execute('docmanager:open', { path: notebook }),
      pins: true
    });
    const tab: Tab = new MainAreaWidget({ content });
    tab.id = id;
    tab.toolbar.hide();
    tab.title.icon = gnomonIcon;
    tab.title.closable = true;
    const name = (): void => {
      const notebook = content.choice.path.split('/').pop() ?? '';
      tab.title.label = notebook === '' ? viewTitle(view) : `${viewTitle(view)}: ${notebook}`;
      tab.title.caption = this._trans.__('Gnomon cluster: %1', tab.title.label);
    };
    content.choice.changed.connect(() => {
      name();
      void this.tracker.save(tab);
    });
    name();
    return tab;
  }
}
