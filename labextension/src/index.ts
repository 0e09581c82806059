/** The JupyterLab plugins: side panel, views in the main area, links to cells, status bar item. */

import { ILabShell, ILayoutRestorer } from '@jupyterlab/application';
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ILauncher } from '@jupyterlab/launcher';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStatusBar } from '@jupyterlab/statusbar';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { defineCellElement } from './cell-element';
import { ClusterView } from './cluster-view';
import { addCard, addPanelCommand, addViewCommand, fillPalette, OPEN_PANEL } from './commands';
import { gnomonIcon } from './icon';
import { tellKernelEnds } from './kernel-ends';
import { MainViews, OPEN_VIEW } from './main-views';
import { NotebookChoice } from './notebook-choice';
import { takeCellRequests } from './reveal';
import { Settings } from './settings';
import { StatusItem } from './status';
import { SummaryWatch } from './summary-watch';

const PLUGIN_ID = 'gnomon-lab:plugin';
/** Side bar ranks from 400 on are for third parties. */
const PANEL_RANK = 450;

function makePanel(
  app: JupyterFrontEnd,
  notebooks: INotebookTracker,
  settings: Settings,
  trans: TranslationBundle
): ClusterView {
  const panel = new ClusterView({
    view: 'dashboard',
    choice: new NotebookChoice(notebooks),
    trans,
    fpsMax: () => settings.maxFps,
    open: path => void app.commands.execute('docmanager:open', { path }),
    pins: false
  });
  panel.id = 'gnomon-panel';
  panel.title.icon = gnomonIcon;
  panel.title.caption = trans.__('Gnomon cluster');
  app.shell.add(panel, 'left', { rank: PANEL_RANK });
  return panel;
}

function addStatusItem(
  app: JupyterFrontEnd,
  statusBar: IStatusBar,
  notebooks: INotebookTracker,
  settings: Settings,
  trans: TranslationBundle
): void {
  const item = new StatusItem(trans, () => void app.commands.execute(OPEN_PANEL));
  const watch = new SummaryWatch(new NotebookChoice(notebooks), summary => item.say(summary));
  const apply = (): void => {
    item.setHidden(!settings.showStatusBarItem);
    watch.enabled = settings.showStatusBarItem;
  };
  settings.changed.connect(apply);
  apply();
  statusBar.registerStatusItem('gnomon-lab:status', { item, align: 'left', rank: 900 });
}

const plugin: JupyterFrontEndPlugin<void> = {
  id: PLUGIN_ID,
  description: 'Live views of a gnomon cluster.',
  autoStart: true,
  requires: [INotebookTracker],
  optional: [ILabShell, ICommandPalette, ILauncher, ILayoutRestorer, ISettingRegistry, IStatusBar, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    notebooks: INotebookTracker,
    labShell: ILabShell | null,
    palette: ICommandPalette | null,
    launcher: ILauncher | null,
    restorer: ILayoutRestorer | null,
    registry: ISettingRegistry | null,
    statusBar: IStatusBar | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('gnomon_lab');
    const settings = new Settings();
    const panel = makePanel(app, notebooks, settings, trans);
    restorer?.add(panel, panel.id);
    addPanelCommand(app, panel.id, trans);
    takeCellRequests(app, notebooks, trans);
    defineCellElement();
    tellKernelEnds(notebooks, {
      open: view => void app.commands.execute(labShell ? OPEN_VIEW : OPEN_PANEL, labShell ? { view } : {})
    });
    if (labShell) {
      // Notebook 7 has one place in its main area, which is the notebook's
      const views = new MainViews(app, notebooks, settings, trans);
      addViewCommand(app, views, trans);
      if (restorer) {
        views.restore(restorer);
      }
      if (launcher) {
        addCard(launcher, trans);
      }
    }
    if (palette) {
      fillPalette(palette, labShell !== null, trans);
    }
    if (statusBar) {
      addStatusItem(app, statusBar, notebooks, settings, trans);
    }
    if (registry) {
      settings.read(registry, PLUGIN_ID).catch(error => console.error('gnomon: the settings can not be read', error));
    }
  }
};

export default plugin;
