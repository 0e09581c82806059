/** The status bar item: what runs in the cluster in three words; a click opens the panel. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

/** A status bar item that looks and behaves like JupyterLab's own text items. */
export class StatusItem extends Widget {
  constructor(
    private readonly _trans: TranslationBundle,
    open: () => void
  ) {
    super();
    this.addClass('jp-gnomon-status-item');
    this._text.className = 'jp-StatusBar-TextItem';
    this._text.setAttribute('role', 'button');
    this._text.setAttribute('tabindex', '0');
    this._text.title = _trans.__('Show the live views of the gnomon cluster');
    this._text.addEventListener('click', open);
    this._text.addEventListener('keydown', event => {
      if (event.key === 'Enter' || event.key === ' ') {
        event.preventDefault();
        open();
      }
    });
    this.node.append(this._text);
    this.say('');
  }

  /** Shows a summary; the name alone if it is "". */
  say(summary: string): void {
    this._text.textContent = summary === '' ? this._trans.__('gnomon') : this._trans.__('gnomon: %1', summary);
  }

  private readonly _text = document.createElement('span');
}
