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
    icon: args => (args['isPalette'] ? undefined : gnomonIcon),
    execute: () => app.shell.activateById(panel),
    describedBy: {
      args: {
        type: 'object',
        properties: {
          isPalette: { type: 'boolean', description: trans.__('Whether the command is shown in the palette') }
        }
      }
    }
  });
}

/** Adds the command that opens a view in the main area. */
export function addViewCommand(app: JupyterFrontEnd, views: MainViews, trans: TranslationBundle): void {
  app.commands.addCommand(OPEN_VIEW, {
    label: args => {
      const view = ANY_VIEWS.find(known => known === args['view']);
      return view ? trans.__('Gnomon %1', viewTitle(view)) : trans.__('Gnomon Live View');
    },
    caption: trans.__('Open a live view of the cluster beside the notebook'),
    icon: args => (args['isPalette'] ? undefined : gnomonIcon),
    execute: args => views.open(args),
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
          id: { type: 'string', description: trans.__('Id of the tab, to bring it back') },
          isPalette: { type: 'boolean', description: trans.__('Whether the command is shown in the palette') }
        }
      }
    }
  });
}

/** Lists the commands in the palette. */
export function fillPalette(palette: ICommandPalette, hasViews: boolean, trans: TranslationBundle): void {
  const category = trans.__('Gnomon');
  palette.addItem({ command: OPEN_PANEL, category, args: { isPalette: true } });
  if (hasViews) {
    ANY_VIEWS.forEach(view => palette.addItem({ command: OPEN_VIEW, category, args: { view, isPalette: true } }));
  }
}

/** Adds the launcher's card. */
export function addCard(launcher: ILauncher, trans: TranslationBundle): void {
  launcher.add({ command: OPEN_VIEW, category: trans.__('Other'), rank: 50 });
}
