/** The in-cell widget: the front end in a notebook's output, on anywidget. */

import type { AnyModel, RenderProps } from '@anywidget/types';
import type { IChannel, IMessage } from './channel';
import { Displays } from './displays';
import { styleFor } from './page-style';
import { GnomonApp } from './views/app';
import type { IAppOptions } from './views/app';
import { KERNEL_END_EVENT } from './views/model/kernel-end';
import { VIEW_NAMES } from './views/view-names';

interface IWidgetState {
  /** Which view: one of {@link VIEW_NAMES}, or "dashboard" for all. */
  _view: string;
}

const FPS_MAX = 30;

function modelChannel(model: AnyModel<IWidgetState>, root: HTMLElement): IChannel {
  return {
    send: message => model.send(message),
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

function viewOf(name: string): IAppOptions['view'] {
  return VIEW_NAMES.find(known => known === name) ?? 'dashboard';
}

/** What anywidget calls for one widget. */
interface IWidget {
  /** For every output that shows the widget. Returns its clean-up. */
  render(props: RenderProps<IWidgetState>): () => void;
}

/** Called by anywidget once for every widget. */
export default function widget(): IWidget {
  const displays = new Displays();
  return {
    render: ({ model, el }) => {
      const unstyle = styleFor(el);
      const root = document.createElement('div');
      el.append(root);
      const display = displays.join(modelChannel(model, root));
      const app = new GnomonApp(root, display, {
        view: viewOf(model.get('_view')),
        fill: false,
        fpsMax: () => FPS_MAX
      });
      return () => {
        app.dispose();
        display.leave();
        unstyle();
      };
    }
  };
}
