/**
 * The news that a kernel has ended, for views in its notebook.
 *
 * A view in a cell's output hears of its kernel only what the kernel itself says, and a dead one says nothing. The page
 * around knows: in JupyterLab and Notebook 7 the extension (`kernel-ends.ts`) tells each view of the notebook by an event.
 */

import type { IAppOptions } from '../app';

/** Type of the event; its detail is an {@link IKernelEnd}. */
export const KERNEL_END_EVENT = 'gnomon-kernel-ended';

/** What a view can do about it. */
export interface IKernelEnd {
  /** Opens the same view beside the notebook, for the session that runs then. */
  readonly open: (view: IAppOptions['view']) => void;
}
