/**
 * Shows the cells that views ask for: in the notebook of the kernel that the view shows, with the line selected.
 *
 * A view in a cell's output belongs to the notebook around it, one of ours to the notebook that it shows. Ids of cells
 * are not enough: two copies of a notebook have the same.
 */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { NotebookActions } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import { linesBeforeCode } from './cell-lines';
import { ClusterView } from './cluster-view';
import type { ICellRequest } from './views/ui/cell-link';
import { REVEAL_EVENT } from './views/ui/cell-link';

/** Takes the requests of all views on the page, for as long as the page lives. */
export function takeCellRequests(app: JupyterFrontEnd, notebooks: INotebookTracker, trans: TranslationBundle): void {
  document.addEventListener(REVEAL_EVENT, event => {
    const { detail, target } = event as CustomEvent<ICellRequest>;
    event.preventDefault();
    const notebook = notebookOf(target as Element, notebooks, detail.cell);
    const index = notebook ? indexOf(notebook, detail.cell) : -1;
    if (!notebook) {
      detail.refuse(trans.__('The notebook of %1 is not open.', detail.label));
    } else if (index < 0) {
      detail.refuse(trans.__('%1 is not in %2 any more.', detail.label, notebook.sessionContext.name));
    } else {
      app.shell.activateById(notebook.id);
      showCell(notebook, index, detail.line).catch(error => console.error('gnomon: a cell can not be shown', error));
    }
  });
}

function indexOf(notebook: NotebookPanel, cell: string): number {
  return notebook.content.widgets.findIndex(({ model }) => model.id === cell);
}

/** The notebook to look in. Several may be open on the one kernel: the one that has the cell. */
function notebookOf(target: Element, notebooks: INotebookTracker, cell: string): NotebookPanel | null {
  const own = ClusterView.of(target)?.choice.notebook ?? notebooks.find(({ node }) => node.contains(target)) ?? null;
  if (own && indexOf(own, cell) >= 0) {
    return own;
  }
  const kernel = own?.sessionContext.session?.kernel?.id;
  const isOf = (notebook: NotebookPanel): boolean =>
    own === null || (kernel !== undefined && notebook.sessionContext.session?.kernel?.id === kernel);
  const other = notebooks.find(notebook => indexOf(notebook, cell) >= 0 && isOf(notebook));
  return other ?? own;
}

async function showCell({ content }: NotebookPanel, index: number, line: number): Promise<void> {
  const cell = content.widgets[index];
  NotebookActions.expandParent(cell, content);
  content.mode = 'command';
  content.deselectAll();
  content.activeCellIndex = index;
  await content.scrollToItem(index, 'smart');
  if (cell.isDisposed || line < 1) {
    return;
  }
  cell.inputHidden = false;
  await cell.ready;
  const { editor } = cell;
  const at = line - 1 + linesBeforeCode(cell.model.sharedModel.getSource());
  if (!editor || at >= editor.lineCount) {
    return; // the cell is another one now, or the work began in a module that it calls
  }
  const range = { start: { line: at, column: 0 }, end: { line: at, column: editor.getLine(at)?.length ?? 0 } };
  editor.setSelection(range);
  editor.revealSelection(range);
}
