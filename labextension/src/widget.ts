/** The in-cell widget: the front end in a notebook's output, on anywidget. */

import type { AnyModel, RenderProps } from '@anywidget/types';
import type { IChannel, IMessage } from './channel';
import { styleFor } from './page-style';
import { GnomonApp } from './views/app';
import type { IAppOptions } from './views/app';
import { VIEW_NAMES } from './views/view-names';

interface IWidgetState {
  /** Which view: one of {@link VIEW_NAMES}, or "dashboard" for all. */
  _view: string;
}

const FPS_MAX = 30;

function modelChannel(model: AnyModel<IWidgetState>): IChannel {
  return {
    send: message => model.send(message),
    listen: listener => {
      const receive = (message: IMessage, buffers?: readonly DataView[]): void => listener(message, buffers ?? []);
      model.on('msg:custom', receive);
      return () => model.off('msg:custom', receive);
    },
    onClosed: listener => {
      // a widget's model says so when its comm to the kernel opens or closes; after the first drawing it closes
      model.on('comm_live_update', listener);
      return () => model.off('comm_live_update', listener);
    }
  };
}

function viewOf(name: string): IAppOptions['view'] {
  return VIEW_NAMES.find(known => known === name) ?? 'dashboard';
}

export default {
  /** Called by anywidget for every output that shows the widget. Returns its clean-up. */
  render({ model, el }: RenderProps<IWidgetState>): () => void {
    const unstyle = styleFor(el);
    const root = document.createElement('div');
    el.append(root);
    const app = new GnomonApp(root, modelChannel(model), {
      view: viewOf(model.get('_view')),
      fill: false,
      fpsMax: () => FPS_MAX
    });
    return () => {
      app.dispose();
      unstyle();
    };
  }
};
