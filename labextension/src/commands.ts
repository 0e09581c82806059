/** The commands, and where people find them: palette, launcher. Menus and shortcuts are in `schema/plugin.json`. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { ICommandPalette } from '@jupyterlab/apputils';
import type { ILauncher } from '@jupyterlab/launcher';
import type { TranslationBundle } from '@jupyterlab/translation';
import { gnomonIcon } from './icon';
import type { MainViews } from './main-views';
import { ANY_VIEWS, OPEN_VIEW, viewTitle } from './main-views';

export const OPEN_PANEL = 'gnomon:open-panel';

/** Adds the command that shows the side panel. */
export function addPanelCommand(app: JupyterFrontEnd, panel: string, trans: TranslationBundle): void {
  app.commands.addCommand(OPEN_PANEL, {
    label: trans.__('Show Gnomon Cluster'),
    caption: trans.__('Show the live views of the cluster in the side panel'),
    icon: gnomonIcon,
    execute: () => app.shell.activateById(panel),
    describedBy: { args: { type: 'object', properties: {} } }
  });
}

/** Adds the command that opens a view in the main area. */
export function addViewCommand(app: JupyterFrontEnd, views: MainViews, trans: TranslationBundle): void {
  app.commands.addCommand(OPEN_VIEW, {
    label: args => {
      const view = ANY_VIEWS.find(known => known === args['view']);
      return trans.__('Gnomon %1', viewTitle(view ?? views.defaultView));
    },
    caption: trans.__('Live, beside the notebook: what its cluster does. %remote start in a cell starts one'),
    icon: gnomonIcon,
    execute: async args => {
      try {
        return await views.open(args);
      } catch (error) {
        // one that comes back with the page would be forgotten without a word
        console.error('gnomon: a view could not be opened', error);
        throw error;
      }
    },
    describedBy: {
      args: {
        type: 'object',
        properties: {
          view: {
            type: 'string',
            enum: [...ANY_VIEWS],
            description: trans.__('Which view; without it the one of the settings')
          },
          path: { type: 'string', description: trans.__('Notebook to stay with; without it the one in front') },
          id: { type: 'string', description: trans.__('Id of the tab, to bring it back') }
        }
      }
    }
  });
}

/** Lists the commands in the palette, with the very arguments that the shortcuts have: else it would not show those. */
export function fillPalette(palette: ICommandPalette, hasViews: boolean, trans: TranslationBundle): void {
  const category = trans.__('Gnomon');
  palette.addItem({ command: OPEN_PANEL, category });
  if (hasViews) {
    ANY_VIEWS.forEach(view => palette.addItem({ command: OPEN_VIEW, category, args: { view } }));
  }
}

/** Adds the launcher's card. */
export function addCard(launcher: ILauncher, trans: TranslationBundle): void {
  launcher.add({ command: OPEN_VIEW, category: trans.__('Other'), rank: 50 });
}
