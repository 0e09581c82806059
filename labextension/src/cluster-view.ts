/**
 * A view of the cluster of one notebook, as a widget of JupyterLab: in the side panel, or as a tab of the main area.
 *
 * It connects when it is first seen, follows its notebook's kernel through restarts, and says what to do where there
 * is nothing to see. The kernel sends nothing while it is hidden.
 */

import type { ISessionContext } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import type { LinkState } from './kernel-link';
import { KernelLink } from './kernel-link';
import type { NotebookChoice } from './notebook-choice';
import type { IAppOptions } from './views/app';
import { GnomonApp } from './views/app';
import type { ViewName } from './views/view-names';

export interface IClusterViewOptions {
  readonly view: IAppOptions['view'];
  /** Which notebook to show; the view disposes of it. */
  readonly choice: NotebookChoice;
  readonly trans: TranslationBundle;
  readonly fpsMax: () => number;
  /** Opens a notebook. */
  readonly open: (path: string) => void;
  /** Whether it can be pinned to its notebook. */
  readonly pins: boolean;
}

/** What starts a session in a kernel that has just begun. */
const ANEW = '%load_ext gnomon\n%remote start';

const shownBy = new WeakMap<Element, ClusterView>();

/** The view. */
export class ClusterView extends Widget {
  constructor(private readonly _options: IClusterViewOptions) {
    super();
    const { trans } = _options;
    this.addClass('jp-gnomon-panel');
    shownBy.set(this.node, this);
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Gnomon cluster'));
    this.node.tabIndex = -1;
    this._source.className = 'jp-gnomon-panel-source';
    this._name.className = 'jp-gnomon-panel-name';
    this._pin.className = 'jp-gnomon-panel-pin';
    this._pin.type = 'button';
    this._pin.addEventListener('click', () => this._togglePin());
    this._content.className = 'jp-gnomon-panel-app';
    this._source.append(this._name, this._pin);
    this.node.append(this._source, this._content);
    this._link = new KernelLink(state => this._show(state));
    this.choice.changed.connect(this._notebookChanged, this);
    this._nameNotebook();
  }

  /** The view that shows an element of the page, if one does. */
  static of(element: Element): ClusterView | null {
    const node = element.closest('.jp-gnomon-panel');
    return (node && shownBy.get(node)) ?? null;
  }

  get view(): IAppOptions['view'] {
    return this._options.view;
  }

  /** Which notebook it shows. */
  get choice(): NotebookChoice {
    return this._options.choice;
  }

  dispose(): void {
    if (!this.isDisposed) {
      this._closeApp();
      this._link.dispose();
      this.choice.dispose();
      super.dispose();
    }
  }

  protected onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    if (this.isVisible) {
      this._look();
    }
  }

  protected onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._look();
  }

  /** The keyboard comes: to the first thing in the view that takes it. */
  protected onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    const { activeElement } = document;
    if (activeElement !== this.node && this.node.contains(activeElement)) {
      return;
    }
    const first = this._content.querySelector<HTMLElement>('[role="tab"][tabindex="0"], canvas[tabindex="0"], button');
    (first ?? this.node).focus();
  }

  private _look(): void {
    if (!this._seen) {
      this._seen = true;
      this._notebookChanged();
    }
  }

  private _notebookChanged(): void {
    this._nameNotebook();
    if (!this._seen) {
      return;
    }
    const session: ISessionContext | null = this.choice.notebook?.sessionContext ?? null;
    this._link.follow(session);
    if (this._link.state === 'none') {
      this._show('none');
    }
  }

  private _nameNotebook(): void {
    const { trans, pins } = this._options;
    const { notebook, path } = this.choice;
    const name = notebook?.sessionContext.name ?? path.split('/').pop() ?? '';
    this._source.hidden = name === '';
    this._name.textContent = trans.__('Notebook: %1', name);
    this._name.title = notebook?.context.path ?? path;
    this._pin.hidden = !pins;
    const pinned = path !== '';
    this._pin.textContent = pinned ? trans.__('pinned') : trans.__('pin');
    this._pin.setAttribute('aria-pressed', String(pinned));
    this._pin.title = pinned
      ? trans.__('Shows this notebook whichever is in front. Press to follow the notebook in front again.')
      : trans.__('Shows the notebook in front. Press to stay with this one.');
  }

  private _togglePin(): void {
    if (this.choice.path === '') {
      this.choice.pin();
    } else {
      this.choice.follow();
    }
  }

  private _show(state: LinkState): void {
    const { trans } = this._options;
    this._closeApp();
    switch (state) {
      case 'open':
        this._openApp();
        break;
      case 'looking':
        this._hint(trans.__('Looking for a cluster…'));
        break;
      case 'missing':
        this._hint(
          this._link.restarted
            ? trans.__('The kernel was restarted, and its session has ended. To see the next one here, run in a cell:')
            : trans.__('To see the cluster of this notebook here, run in a cell:'),
          this._link.restarted ? ANEW : '%load_ext gnomon'
        );
        break;
      case 'restarting':
        this._hint(trans.__('The kernel restarts: its session has ended.'));
        break;
      case 'stopped':
        this._hint(
          trans.__('The kernel has stopped, and its session with it. Restart it (menu Kernel), then run in a cell:'),
          ANEW
        );
        break;
      case 'none':
        this._hintNone();
        break;
    }
  }

  private _hintNone(): void {
    const { trans } = this._options;
    const { notebook, path } = this.choice;
    if (notebook) {
      this._hint(
        trans.__('This notebook has no kernel. Start one (menu Kernel), then run in a cell:'),
        '%load_ext gnomon'
      );
    } else if (path === '') {
      this._hint(trans.__('Open a notebook to see its cluster here.'));
    } else {
      const button = document.createElement('button');
      button.type = 'button';
      button.className = 'jp-gnomon-panel-open';
      button.textContent = trans.__('Open it');
      button.addEventListener('click', () => this._options.open(path));
      this._hint(trans.__('The notebook of this view is closed.')).append(document.createElement('br'), button);
    }
  }

  private _openApp(): void {
    const root = document.createElement('div');
    this._content.replaceChildren(root);
    this._app = new GnomonApp(root, this._link.channel!, {
      view: this._options.view,
      fill: true,
      fpsMax: this._options.fpsMax,
      tabs: this._tabs
    });
  }

  private _closeApp(): void {
    this._app?.dispose();
    this._app = null;
  }

  private _hint(text: string, code = ''): HTMLElement {
    const hint = document.createElement('div');
    hint.className = 'jp-gnomon-panel-hint';
    hint.setAttribute('role', 'status');
    hint.textContent = text;
    if (code !== '') {
      const element = document.createElement('code');
      element.textContent = code;
      hint.append(document.createElement('br'), element);
    }
    this._content.replaceChildren(hint);
    return hint;
  }

  private readonly _link: KernelLink;
  private readonly _source = document.createElement('div');
  private readonly _name = document.createElement('span');
  private readonly _pin = document.createElement('button');
  private readonly _content = document.createElement('div');
  /** Which tabs are in front: kept when the kernel is restarted, or the notebook is another one. */
  private readonly _tabs = new Map<ViewName, ViewName>();
  private _app: GnomonApp | null = null;
  private _seen = false;
}
