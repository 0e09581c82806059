/** The channel of an in-cell widget: the custom messages of its model. */

import type { AnyModel } from '@anywidget/types';
import type { IChannel, IMessage } from './channel';
import { KERNEL_END_EVENT } from './views/model/kernel-end';

/** One display's channel over a model; `root` is the element in which it is shown. */
export function modelChannel<T extends object>(model: AnyModel<T>, root: EventTarget): IChannel {
  return {
    send: message => {
      try {
        model.send(message);
      } catch {
        // the comm of the model went with its kernel: a display whose kernel was restarted stays in the page, and still
        // tells when it is scrolled out of sight, or removed
      }
    },
    listen: listener => {
      const receive = (message: IMessage, buffers?: readonly DataView[]): void => listener(message, buffers ?? []);
      model.on('msg:custom', receive);
      return () => model.off('msg:custom', receive);
    },
    onClosed: listener => {
      // a widget's model says so when its comm to the kernel opens or closes; after the first drawing it closes. A kernel
      // that dies closes nothing: then the page says so
      const heard = (): void => listener(true);
      model.on('comm_live_update', heard);
      root.addEventListener(KERNEL_END_EVENT, heard);
      return () => {
        model.off('comm_live_update', heard);
        root.removeEventListener(KERNEL_END_EVENT, heard);
      };
    }
  };
}
