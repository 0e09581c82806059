/**
 * `<gnomon-cell>`: a cell that is named in an error card or a hint, as a link that leads to it.
 *
 * The kernel writes these elements into HTML (`gnomon_kernel/cell_links.py`). A page that does not know them shows the
 * text within; here the browser makes a link of each as soon as it is in the page, whoever has put it there.
 */

import { revealCell } from './views/ui/cell-link';
import { ownKeys } from './views/ui/own-keys';

const NAME = 'gnomon-cell';

class CellElement extends HTMLElement {
  connectedCallback(): void {
    this.setAttribute('role', 'link');
    this.tabIndex = 0;
    this.title = 'Go to this cell';
    this.addEventListener('click', this._go);
    this.addEventListener('keydown', this._press);
    this._stop = ownKeys(this);
  }

  disconnectedCallback(): void {
    this.removeEventListener('click', this._go);
    this.removeEventListener('keydown', this._press);
    this._stop?.();
  }

  private readonly _go = (): void => {
    const { cell = '', line = '' } = this.dataset;
    const label = (this.textContent ?? '').replace(/, line \d+$/, '');
    this._note?.remove();
    revealCell(this, { cell, label, line: Number(line) || 0, refuse: reason => this._refuse(reason) });
  };

  private readonly _press = (event: KeyboardEvent): void => {
    if (event.key === 'Enter') {
      event.preventDefault();
      this._go();
    }
  };

  private _refuse(reason: string): void {
    this._note = document.createElement('span');
    this._note.className = 'jp-gnomon-cell-refused';
    this._note.setAttribute('role', 'status');
    this._note.textContent = ` (${reason})`;
    this.after(this._note);
  }

  private _note: HTMLElement | null = null;
  private _stop: (() => void) | null = null;
}

/** From now on; the elements that are in the page already, too. */
export function defineCellElement(): void {
  if (!customElements.get(NAME)) {
    customElements.define(NAME, CellElement);
  }
}
