/** The line below the header when there is nothing live to see: why, and what to do next. */

import type { IAppOptions } from '../app';
import { el } from '../ui/dom';
import type { FeedStatus } from '../model/feed';
import type { IKernelEnd } from '../model/kernel-end';
import { KERNEL_END_EVENT } from '../model/kernel-end';

/** What to say: sentences, the code that helps, and what follows it. */
export interface INote {
  readonly title: string;
  readonly text: string;
  readonly code: string;
}

const NONE: INote = {
  title: 'No cluster is running.',
  text: ' Start one in a cell with ',
  code: '%remote start'
};
const ENDED: INote = {
  title: 'The session has ended.',
  text: ' This is how it stood at its end. Start another one in a cell with ',
  code: '%remote start'
};
const IN_CELL: INote = {
  title: 'The kernel of this view has ended, and its session with it.',
  text: ' This is what was seen last. Run this cell again to see the session that runs then.',
  code: ''
};
const UNLOADED: INote = {
  title: 'The kernel sends nothing any more.',
  text: ' This is what was seen last. To see more, run in a cell ',
  code: '%load_ext gnomon'
};

/** What there is to say; null while all is well. */
export function noteFor(status: FeedStatus, hasSession: boolean, inCell: boolean): INote | null {
  switch (status) {
    case 'idle':
      return hasSession ? ENDED : NONE;
    case 'closed':
      return inCell ? IN_CELL : UNLOADED;
    default:
      return null;
  }
}

/** The line. Hidden while all is well. */
export class SessionNote {
  readonly node = el('div', 'hint', [], { role: 'status' });

  /** Views in cells are told of the end of their kernel by an event at `root`. */
  constructor(
    root: HTMLElement,
    private readonly _options: IAppOptions
  ) {
    this.node.hidden = true;
    const heard = (event: Event): void => {
      this._end = (event as CustomEvent<IKernelEnd>).detail;
      this._draw();
    };
    root.addEventListener(KERNEL_END_EVENT, heard);
    this._stop = () => root.removeEventListener(KERNEL_END_EVENT, heard);
  }

  update(status: FeedStatus, hasSession: boolean): void {
    const note = noteFor(status, hasSession, !this._options.fill);
    if (note === this._shown) {
      return;
    }
    this._shown = note;
    this._draw();
  }

  dispose(): void {
    this._stop();
  }

  private _draw(): void {
    this.node.hidden = this._shown === null;
    this.node.replaceChildren(...(this._shown ? this._parts(this._shown) : []));
  }

  private _parts({ title, text, code }: INote): Node[] {
    const parts = [el('strong', '', title), el('span', '', text)];
    if (code !== '') {
      parts.push(el('code', '', code));
    }
    if (this._end && this._shown === IN_CELL) {
      const open = el('button', 'link', 'Show what runs now beside the notebook', { type: 'button' });
      open.addEventListener('click', () => this._end?.open(this._options.view));
      parts.push(el('span', '', ' '), open);
    }
    return parts;
  }

  private _end: IKernelEnd | null = null;
  private _shown: INote | null = null;
  private readonly _stop: () => void;
}
