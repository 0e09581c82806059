/**
 * The one thing a view knows of its host: a two-way channel to the kernel.
 *
 * Two hosts implement it: the in-cell widget (`model-channel.ts`) and the JupyterLab side panel and tabs (`control.ts`).
 * Views must work when nothing they send is ever answered: a kernel that runs a cell may be deaf until
 * that cell ends.
 */

/** A JSON message. `kind` says which one it is. */
export interface IMessage {
  readonly kind: string;
  readonly [field: string]: unknown;
}

/** Called for every message from the kernel; `buffers` holds its binary parts. */
export type MessageListener = (message: IMessage, buffers: readonly DataView[]) => void;

/** Called when a channel is closed. */
export type ClosedListener = (kernelEnded: boolean) => void;

/** A channel between one view and the kernel. */
export interface IChannel {
  /** Sends a message to the kernel. Never throws and never waits; a closed channel drops the message. */
  send(message: IMessage): void;

  /** Listens to the kernel. Returns a function that stops listening. */
  listen(listener: MessageListener): () => void;

  /**
   * Tells when nothing comes any more: because the kernel has ended, or because it has only left off telling. Returns a
   * function that stops listening.
   */
  onClosed(listener: ClosedListener): () => void;
}
