/**
 * A channel to the kernel over comm messages on the *control* channel.
 *
 * The kernel serves its control channel in a thread of its own, so messages arrive while a cell runs, after a
 * reload of the page too, and on every ipykernel the project supports. What the kernel sends comes on IOPub.
 * The kernel extension registers the handlers; nothing here runs code in the kernel.
 */

import type { Kernel, KernelMessage } from '@jupyterlab/services';
import { KernelMessage as Messages } from '@jupyterlab/services';
import { UUID } from '@lumino/coreutils';
import type { ClosedListener, IChannel, IMessage, MessageListener } from './channel';

/** Comm target of the side panel. */
const PANEL_TARGET = 'gnomon.panel';
/** Target of the comm which shows that the kernel extension is loaded. */
const HUB_TARGET = 'gnomon.hub';
/** While the kernel sends, it is told this often that somebody is there; else it takes the page for gone. */
const SEEN_EVERY_MS = 10_000;

type CommType = 'comm_open' | 'comm_msg' | 'comm_close';

interface ICommContent {
  readonly comm_id?: string;
  readonly data?: IMessage;
}

/** What the kernel answered when asked for the kernel extension. */
export type Loaded = 'yes' | 'no' | 'unknown';

/** One comm of ours on the control channel. Opened when made. */
export class ControlChannel implements IChannel {
  readonly id = `gnomon-${UUID.uuid4()}`;

  constructor(private readonly _kernel: Kernel.IKernelConnection) {
    _kernel.iopubMessage.connect(this._receive, this);
    window.addEventListener('pagehide', this._left);
    this._post('comm_open', { target_name: PANEL_TARGET, data: { version: 1 } });
  }

  send(message: IMessage): void {
    this._post('comm_msg', { data: message });
  }

  listen(listener: MessageListener): () => void {
    this._listeners.add(listener);
    return () => this._listeners.delete(listener);
  }

  onClosed(listener: ClosedListener): () => void {
    this._closedListeners.add(listener);
    return () => this._closedListeners.delete(listener);
  }

  /** Tells the kernel, if it is still there, and stops listening. */
  dispose(): void {
    if (!this._open) {
      return;
    }
    this._post('comm_close', { data: {} });
    this._open = false;
    window.removeEventListener('pagehide', this._left);
    this._kernel.iopubMessage.disconnect(this._receive, this);
    this._listeners.clear();
    this._closedListeners.clear();
  }

  /** The page is left or reloaded: else the kernel would go on telling nobody. */
  private readonly _left = (event: PageTransitionEvent): void => {
    if (!event.persisted) {
      this.dispose();
    }
  };

  private _post(type: CommType, content: Record<string, unknown>): void {
    if (!this._open || this._kernel.isDisposed || this._kernel.status === 'dead') {
      return;
    }
    const message = createControlMessage(this._kernel, type, { comm_id: this.id, ...content });
    this._kernel.sendControlMessage(message, false, true);
  }

  private _receive(_: Kernel.IKernelConnection, message: KernelMessage.IIOPubMessage): void {
    const content = message.content as ICommContent;
    if (content.comm_id !== this.id) {
      return;
    }
    if (message.header.msg_type === 'comm_close') {
      this._open = false;
      window.removeEventListener('pagehide', this._left);
      this._closedListeners.forEach(listener => listener(false));
    } else if (message.header.msg_type === 'comm_msg' && content.data) {
      if (Date.now() - this._seenAt > SEEN_EVERY_MS) {
        this._seenAt = Date.now();
        this.send({ kind: 'seen' });
      }
      const buffers = (message.buffers ?? []).map(asView);
      this._listeners.forEach(listener => listener(content.data!, buffers));
    }
  }

  private _open = true;
  private _seenAt = Date.now();
  private readonly _listeners = new Set<MessageListener>();
  private readonly _closedListeners = new Set<ClosedListener>();
}

/**
 * Asks, on the control channel, whether the kernel extension is loaded. The answer may take long: what a page that has
 * just come asks is sent after the kernel has told of itself, which one that runs a cell does not.
 */
export async function isLoaded(kernel: Kernel.IKernelConnection): Promise<Loaded> {
  const request = createControlMessage(kernel, 'comm_info_request', { target_name: HUB_TARGET });
  let future: ReturnType<typeof kernel.sendControlMessage> | null = null;
  try {
    future = kernel.sendControlMessage(request, true, true);
    const { comms } = (await future.done).content as { comms?: Record<string, unknown> };
    return Object.keys(comms ?? {}).length > 0 ? 'yes' : 'no';
  } catch {
    // the kernel has died, or was restarted or shut down while it was being asked: whoever watches its status asks again
    return 'unknown';
  } finally {
    future?.dispose();
  }
}

/** Whether an IOPub message is the hello of a kernel extension just loaded, on a comm other than `own`. */
export function isHello(message: KernelMessage.IIOPubMessage, own: string | null): boolean {
  const content = message.content as ICommContent;
  return message.header.msg_type === 'comm_msg' && content.data?.kind === 'hello' && content.comm_id !== own;
}

/** The types of JupyterLab know neither comm messages nor comm_info on the control channel; the protocol does. */
function createControlMessage(
  kernel: Kernel.IKernelConnection,
  type: CommType | 'comm_info_request',
  content: Record<string, unknown>
): KernelMessage.IControlMessage {
  return Messages.createMessage({
    msgType: type,
    channel: 'control',
    username: kernel.username,
    session: kernel.clientId,
    content
  } as unknown as Parameters<typeof Messages.createMessage>[0]);
}

function asView(buffer: ArrayBuffer | ArrayBufferView): DataView {
  return ArrayBuffer.isView(buffer)
    ? new DataView(buffer.buffer as ArrayBuffer, buffer.byteOffset, buffer.byteLength)
    : new DataView(buffer);
}
