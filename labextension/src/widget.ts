/** The in-cell widget: the front end in a notebook's output, on anywidget. */

import type { RenderProps } from '@anywidget/types';
import { Displays } from './displays';
import { modelChannel } from './model-channel';
import { styleFor } from './page-style';
import { GnomonApp } from './views/app';
import type { IAppOptions } from './views/app';
import { VIEW_NAMES } from './views/view-names';

interface IWidgetState {
  /** Which view: one of {@link VIEW_NAMES}, or "dashboard" for all. */
  _view: string;
}

const FPS_MAX = 30;

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
