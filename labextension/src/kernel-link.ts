/**
 * The line to the kernel of a notebook: made when the kernel extension is loaded, and made anew when it is lost.
 *
 *     none ──notebook──▶ looking ──loaded──▶ open ──▶ restarting ──▶ looking …
 *                           └──not loaded──▶ missing ──hello──▶ open        (stopped: the kernel is dead)
 *
 * Who follows it is told of each change of state, and takes {@link KernelLink.channel} when the state is "open".
 */

import type { ISessionContext } from '@jupyterlab/apputils';
import type { Kernel, KernelMessage } from '@jupyterlab/services';
import type { Loaded } from './control';
import { ControlChannel, isHello, isLoaded } from './control';

/**
 * After this time without an answer, in milliseconds, the state is "missing", and the kernel is asked once more, and again
 * after twice the time. Its answers count however late they come.
 */
const ANSWER_WITHIN_MS = 5000;
const ASK_UNTIL_MS = 60_000;

export type LinkState = 'none' | 'looking' | 'missing' | 'restarting' | 'stopped' | 'open';

/** A line to whichever kernel a session has. It has none until {@link KernelLink.follow} names a session. */
export class KernelLink {
  constructor(private readonly _changed: (state: LinkState) => void) {}

  get state(): LinkState {
    return this._state;
  }

  /** Whether its kernel was restarted since there was a channel: what that told of has ended. */
  get restarted(): boolean {
    return this._restarted;
  }

  /** The channel while there is one. */
  get channel(): ControlChannel | null {
    return this._channel;
  }

  /** Follows another session; with null none. */
  follow(session: ISessionContext | null): void {
    if (session === this._session || this._isDisposed) {
      return;
    }
    this._session?.kernelChanged.disconnect(this._kernelChanged, this);
    this._session = session;
    session?.kernelChanged.connect(this._kernelChanged, this);
    this._kernelChanged();
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      this._leave();
      this._session?.kernelChanged.disconnect(this._kernelChanged, this);
      this._session = null;
    }
  }

  private _kernelChanged(): void {
    this._leave();
    this._restarted = false;
    const kernel = this._session?.session?.kernel ?? null;
    if (!kernel) {
      this._set('none');
      return;
    }
    this._kernel = kernel;
    kernel.iopubMessage.connect(this._onIOPub, this);
    kernel.statusChanged.connect(this._onStatus, this);
    this._look(kernel);
  }

  private _leave(): void {
    this._hangUp();
    const kernel = this._kernel;
    this._kernel = null;
    kernel?.iopubMessage.disconnect(this._onIOPub, this);
    kernel?.statusChanged.disconnect(this._onStatus, this);
  }

  /** Asks whether the kernel extension is loaded. */
  private _look(kernel: Kernel.IKernelConnection): void {
    this._hangUp();
    this._set('looking');
    void this._ask(kernel, this._attempt, ANSWER_WITHIN_MS);
  }

  private async _ask(kernel: Kernel.IKernelConnection, attempt: number, patience: number): Promise<void> {
    const late = window.setTimeout(() => {
      if (attempt === this._attempt) {
        this._answered(kernel, 'unknown');
        if (patience < ASK_UNTIL_MS) {
          void this._ask(kernel, attempt, 2 * patience);
        }
      }
    }, patience);
    this._late = late;
    const loaded = await isLoaded(kernel);
    window.clearTimeout(late);
    if (attempt === this._attempt) {
      this._answered(kernel, loaded);
    }
  }

  private _answered(kernel: Kernel.IKernelConnection, loaded: Loaded): void {
    this._unsure = loaded === 'unknown';
    if (loaded === 'yes') {
      this._open(kernel);
    } else if (this._state !== 'missing') {
      this._set('missing');
    }
  }

  private _onIOPub(kernel: Kernel.IKernelConnection, message: KernelMessage.IIOPubMessage): void {
    if (isHello(message, this._channel?.id ?? null)) {
      this._open(kernel);
    }
  }

  private _onStatus(kernel: Kernel.IKernelConnection, status: KernelMessage.Status): void {
    switch (status) {
      case 'restarting':
      case 'autorestarting':
        // a restarted kernel has loaded nothing; it says hello when it has
        this._restarted ||= this._channel !== null;
        this._hangUp();
        this._unsure = true;
        this._set('restarting');
        break;
      case 'dead':
      case 'terminating':
        this._hangUp();
        this._set('stopped');
        break;
      case 'busy': // it is asked where it answers while a cell runs
      case 'idle':
        if (!this._channel && this._unsure) {
          this._unsure = false;
          this._look(kernel);
        }
        break;
    }
  }

  private _open(kernel: Kernel.IKernelConnection): void {
    this._hangUp();
    this._unsure = this._restarted = false;
    const channel = new ControlChannel(kernel);
    this._channel = channel;
    channel.onClosed(() => {
      // the extension was unloaded, or its side of the comm was lost: what is shown stays, and is asked for anew
      // once the kernel is idle
      this._channel = null;
      this._unsure = true;
    });
    this._set('open');
  }

  private _hangUp(): void {
    this._attempt += 1;
    window.clearTimeout(this._late);
    this._channel?.dispose();
    this._channel = null;
  }

  private _set(state: LinkState): void {
    this._state = state;
    this._changed(state);
  }

  private _session: ISessionContext | null = null;
  private _kernel: Kernel.IKernelConnection | null = null;
  private _channel: ControlChannel | null = null;
  private _state: LinkState = 'none';
  /** Whether the kernel could not yet say if the extension is loaded. */
  private _unsure = false;
  /** Counts attempts to reach a kernel: an answer to an older one is void. */
  private _attempt = 0;
  /** Timer of the newest question. */
  private _late = 0;
  private _restarted = false;
  private _isDisposed = false;
}
