/**
 * The side panel: the front end over the kernel of the notebook in front.
 *
 * It follows the notebook, and within it the kernel: a restart, another kernel, the extension loaded later. It
 * connects when it is first seen, and the kernel sends nothing while it is hidden.
 */

import type { ISessionContext } from '@jupyterlab/apputils';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { Kernel, KernelMessage } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { Message } from '@lumino/messaging';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';
import { Widget } from '@lumino/widgets';
import type { Loaded } from './control';
import { ControlChannel, isHello, isLoaded } from './control';
import { GnomonApp } from './views/app';
import { formatBytes } from './views/format';
import { summaryOf } from './views/summary';

/** The side panel. */
export class GnomonPanel extends Widget {
  /** Redraws a second at most. */
  fpsMax = 20;

  constructor(
    private readonly _tracker: INotebookTracker,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.id = 'gnomon-panel';
    this.addClass('jp-gnomon-panel');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', _trans.__('Gnomon cluster'));
    this._source.className = 'jp-gnomon-panel-source';
    this._content.className = 'jp-gnomon-panel-app';
    this.node.append(this._source, this._content);
    _tracker.currentChanged.connect(this._followNotebook, this);
    this._followNotebook();
  }

  /** What to say of the cluster in a few words; "" while nothing is known. */
  get summaryChanged(): ISignal<this, string> {
    return this._summaryChanged;
  }

  dispose(): void {
    if (this.isDisposed) {
      return;
    }
    this._leaveKernel();
    this._session?.kernelChanged.disconnect(this._kernelChanged, this);
    this._tracker.currentChanged.disconnect(this._followNotebook, this);
    Signal.clearData(this);
    super.dispose();
  }

  protected onAfterShow(message: Message): void {
    super.onAfterShow(message);
    if (!this._seen) {
      this._seen = true;
      this._kernelChanged();
    }
  }

  private _followNotebook(): void {
    const notebook: NotebookPanel | null = this._tracker.currentWidget;
    const session = notebook?.sessionContext ?? null;
    if (session === this._session) {
      return;
    }
    if (this._session && !this._session.isDisposed) {
      this._session.kernelChanged.disconnect(this._kernelChanged, this);
    }
    this._session = session;
    session?.kernelChanged.connect(this._kernelChanged, this);
    this._kernelChanged();
  }

  private _kernelChanged(): void {
    this._leaveKernel();
    const kernel = this._session?.session?.kernel ?? null;
    this._source.textContent = this._session ? this._trans.__('Notebook: %1', this._session.name) : '';
    this._source.hidden = !this._session;
    if (!this._seen) {
      return;
    }
    if (!kernel) {
      this._hint(this._trans.__('Open a notebook to see its cluster here.'));
      return;
    }
    this._kernel = kernel;
    kernel.iopubMessage.connect(this._onIOPub, this);
    kernel.statusChanged.connect(this._onStatus, this);
    void this._join(kernel);
  }

  private _leaveKernel(): void {
    this._attempt += 1;
    this._closeApp();
    const kernel = this._kernel;
    this._kernel = null;
    if (kernel) {
      kernel.iopubMessage.disconnect(this._onIOPub, this);
      kernel.statusChanged.disconnect(this._onStatus, this);
    }
  }

  /** Opens the front end if the kernel extension is loaded, else says what to do. */
  private async _join(kernel: Kernel.IKernelConnection): Promise<void> {
    const attempt = ++this._attempt;
    this._closeApp();
    this._hint(this._trans.__('Looking for a cluster…'));
    this._loaded = await isLoaded(kernel);
    if (attempt !== this._attempt || this.isDisposed) {
      return;
    }
    if (this._loaded === 'yes') {
      this._openApp(kernel);
    } else {
      this._hint(this._trans.__('To see the cluster of this notebook here, run in a cell:'), '%load_ext gnomon');
    }
  }

  private _onIOPub(kernel: Kernel.IKernelConnection, message: KernelMessage.IIOPubMessage): void {
    if (isHello(message, this._channel?.id ?? null)) {
      this._attempt += 1;
      this._loaded = 'yes';
      this._openApp(kernel);
    }
  }

  private _onStatus(kernel: Kernel.IKernelConnection, status: KernelMessage.Status): void {
    switch (status) {
      case 'restarting':
      case 'autorestarting':
        // a restarted kernel has loaded nothing; it says hello when it has
        this._attempt += 1;
        this._closeApp();
        this._loaded = 'unknown';
        this._hint(this._trans.__('The kernel restarts…'));
        break;
      case 'dead':
      case 'terminating':
        this._attempt += 1;
        this._closeApp();
        this._hint(this._trans.__('The kernel has stopped.'));
        break;
      case 'idle':
        if (!this._channel && this._loaded === 'unknown') {
          void this._join(kernel);
        }
        break;
    }
  }

  private _openApp(kernel: Kernel.IKernelConnection): void {
    this._closeApp();
    const root = document.createElement('div');
    this._content.replaceChildren(root);
    const channel = new ControlChannel(kernel);
    const app = new GnomonApp(root, channel, { view: 'dashboard', fill: true, fpsMax: () => this.fpsMax });
    app.feed.onChange(() => this._summarise(app));
    channel.onClosed(() => {
      // the extension was unloaded, or its side of the comm was lost: ask anew once the kernel is idle
      this._loaded = 'unknown';
      this._channel = null;
    });
    this._app = app;
    this._channel = channel;
  }

  private _closeApp(): void {
    this._app?.dispose();
    this._channel?.dispose();
    this._app = null;
    this._channel = null;
    this._say('');
  }

  private _summarise(app: GnomonApp): void {
    const { model, status } = app.feed;
    if (status !== 'live') {
      this._say('');
      return;
    }
    const { busy, workers, queued, storeBytes } = summaryOf(model);
    const parts = [this._trans.__('%1 of %2 workers busy', busy, workers)];
    if (queued > 0) {
      parts.push(this._trans.__('%1 queued', queued));
    }
    parts.push(this._trans.__('store %1', formatBytes(storeBytes)));
    this._say(parts.join(' · '));
  }

  private _say(summary: string): void {
    if (summary !== this._summary) {
      this._summary = summary;
      this._summaryChanged.emit(summary);
    }
  }

  private _hint(text: string, code = ''): void {
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
  }

  private readonly _source = document.createElement('div');
  private readonly _content = document.createElement('div');
  private readonly _summaryChanged = new Signal<this, string>(this);
  private _session: ISessionContext | null = null;
  private _kernel: Kernel.IKernelConnection | null = null;
  private _app: GnomonApp | null = null;
  private _channel: ControlChannel | null = null;
  private _loaded: Loaded = 'unknown';
  private _summary = '';
  private _seen = false;
  /** Counts attempts to join a kernel: an answer to an older one is void. */
  private _attempt = 0;
}
