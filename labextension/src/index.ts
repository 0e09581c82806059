/** The JupyterLab plugin: side panel, command, launcher card, status bar item, settings. */

import { ILayoutRestorer } from '@jupyterlab/application';
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ILauncher } from '@jupyterlab/launcher';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStatusBar } from '@jupyterlab/statusbar';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { gnomonIcon } from './icon';
import { GnomonPanel } from './panel';
import { StatusItem } from './status';

namespace CommandIDs {
  export const openPanel = 'gnomon:open-panel';
}

const PLUGIN_ID = 'gnomon-lab:plugin';
/** Side bar ranks from 400 on are for third parties. */
const PANEL_RANK = 450;

function addCommand(app: JupyterFrontEnd, panel: GnomonPanel, trans: TranslationBundle): void {
  app.commands.addCommand(CommandIDs.openPanel, {
    label: trans.__('Show Gnomon Cluster'),
    caption: trans.__('Show the live views of the gnomon cluster'),
    icon: args => (args['isPalette'] ? undefined : gnomonIcon),
    execute: () => app.shell.activateById(panel.id),
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

/** Applies the settings now and whenever they change. Without settings the defaults hold. */
async function followSettings(registry: ISettingRegistry, panel: GnomonPanel, item: StatusItem | null): Promise<void> {
  const settings = await registry.load(PLUGIN_ID);
  const apply = (): void => {
    panel.fpsMax = settings.get('maxFps').composite as number;
    item?.setHidden(!(settings.get('showStatusBarItem').composite as boolean));
  };
  settings.changed.connect(apply);
  panel.disposed.connect(() => settings.changed.disconnect(apply));
  apply();
}

const plugin: JupyterFrontEndPlugin<void> = {
  id: PLUGIN_ID,
  description: 'Live views of a gnomon cluster.',
  autoStart: true,
  requires: [INotebookTracker],
  optional: [ICommandPalette, ILauncher, ILayoutRestorer, ISettingRegistry, IStatusBar, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    tracker: INotebookTracker,
    palette: ICommandPalette | null,
    launcher: ILauncher | null,
    restorer: ILayoutRestorer | null,
    registry: ISettingRegistry | null,
    statusBar: IStatusBar | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('gnomon_lab');
    const panel = new GnomonPanel(tracker, trans);
    panel.title.icon = gnomonIcon;
    panel.title.caption = trans.__('Gnomon cluster');
    app.shell.add(panel, 'left', { rank: PANEL_RANK });
    restorer?.add(panel, panel.id);
    addCommand(app, panel, trans);
    palette?.addItem({ command: CommandIDs.openPanel, category: trans.__('Gnomon'), args: { isPalette: true } });
    launcher?.add({ command: CommandIDs.openPanel, category: trans.__('Other'), rank: 50 });

    let item: StatusItem | null = null;
    if (statusBar) {
      item = new StatusItem(trans, () => void app.commands.execute(CommandIDs.openPanel));
      const shown = item;
      panel.summaryChanged.connect((_, summary) => shown.say(summary));
      statusBar.registerStatusItem('gnomon-lab:status', { item, align: 'left', rank: 900 });
    }
    if (registry) {
      followSettings(registry, panel, item).catch(error =>
        console.error('gnomon: the settings can not be read', error)
      );
    }
  }
};

export default plugin;
