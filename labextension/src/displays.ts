/**
 * The displays of one widget: several on a page have one line to the kernel, which must hear of them as of one.
 *
 * The kernel sends to a widget, not to a display: told "hidden" by one of them, it would leave all in the dark. So it is
 * told so when the last one that is seen goes, and "visible" when the first one comes back; those that are out of sight
 * meanwhile hear what the others are told, and lack nothing.
 */

import type { ClosedListener, IChannel, IMessage } from './channel';

/** A display's channel, and its end. */
export interface IDisplay extends IChannel {
  /** The display has gone from the page. */
  leave(): void;
}

/** All displays of one widget. */
export class Displays {
  /** One more, over the line that the host gives it. It counts as seen until it says otherwise. */
  join(line: IChannel): IDisplay {
    const listeners = new Set<ClosedListener>();
    const display: IDisplay = {
      send: message => {
        if (this._passes(display, message)) {
          line.send(message);
        }
      },
      listen: listener => line.listen(listener),
      onClosed: listener => {
        const stop = line.onClosed(ended => this._close(ended));
        listeners.add(listener);
        return () => {
          listeners.delete(listener);
          stop();
        };
      },
      leave: () => {
        this._closed.delete(listeners);
        display.send({ kind: 'hidden' });
      }
    };
    this._closed.add(listeners);
    return display;
  }

  /** Whether the kernel must hear a message: of those on being seen it needs the ones that change how things stand. */
  private _passes(display: IDisplay, { kind, again }: IMessage): boolean {
    const before = this._seen.size;
    switch (kind) {
      case 'subscribe':
        this._seen.add(display);
        return true;
      case 'visible':
        this._seen.add(display);
        return before === 0;
      case 'hidden':
        this._seen.delete(display);
        return (before > 0 || again === true) && this._seen.size === 0;
      default:
        return true;
    }
  }

  /** The kernel of one is that of all: what one display has found out, the others are told. */
  private _close(kernelEnded: boolean): void {
    [...this._closed].forEach(listeners => [...listeners].forEach(listener => listener(kernelEnded)));
  }

  private readonly _seen = new Set<IDisplay>();
  private readonly _closed = new Set<Set<ClosedListener>>();
}
