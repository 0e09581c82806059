/** Tells the views in a notebook's outputs when its kernel has ended: dead kernels send no messages. */

import type { ISessionContext } from '@jupyterlab/apputils';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { Kernel } from '@jupyterlab/services';
import type { IKernelEnd } from './views/model/kernel-end';
import { KERNEL_END_EVENT } from './views/model/kernel-end';

const ENDS: readonly Kernel.Status[] = ['restarting', 'autorestarting', 'dead', 'terminating'];

/** Watches the kernels of all notebooks, for as long as they are open. */
export function tellKernelEnds(notebooks: INotebookTracker, detail: IKernelEnd): void {
  const watch = (notebook: NotebookPanel): void => {
    const { sessionContext } = notebook;
    let kernel = sessionContext.session?.kernel?.id;
    const changed = (context: ISessionContext): void => {
      // one may be chosen before any was there
      if (kernel !== undefined && context.session?.kernel?.id !== kernel) {
        tellViews(notebook, detail);
      }
      kernel = context.session?.kernel?.id;
    };
    const statusChanged = (_: ISessionContext, status: Kernel.Status): void => {
      if (ENDS.includes(status)) {
        tellViews(notebook, detail);
      }
    };
    sessionContext.kernelChanged.connect(changed);
    sessionContext.statusChanged.connect(statusChanged);
    notebook.disposed.connect(() => {
      sessionContext.kernelChanged.disconnect(changed);
      sessionContext.statusChanged.disconnect(statusChanged);
    });
  };
  notebooks.forEach(watch);
  notebooks.widgetAdded.connect((_, notebook) => watch(notebook));
}

/** Each cell is asked: those that are scrolled out of sight are not in the page. */
function tellViews({ content }: NotebookPanel, detail: IKernelEnd): void {
  for (const { node } of content.widgets) {
    node.querySelectorAll('.jp-gnomon-root').forEach(view => {
      view.dispatchEvent(new CustomEvent(KERNEL_END_EVENT, { detail }));
    });
  }
}
