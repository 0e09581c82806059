/** The status bar item: the cluster of the notebook in front in a few words; a click opens the panel. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';
import type { ISummary } from './views/model/summary';
import { summaryMeaning, summaryText } from './views/model/summary';

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
    this._text.addEventListener('click', open);
    this._text.addEventListener('keydown', event => {
      if (event.key === 'Enter' || event.key === ' ') {
        event.preventDefault();
        open();
      }
    });
    this.node.append(this._text);
    this.say(null);
  }

  /** Shows a summary; the name alone without one. */
  say(summary: ISummary | null): void {
    const text = summary ? this._trans.__('gnomon: %1', summaryText(summary)) : this._trans.__('gnomon');
    if (this._text.textContent !== text) {
      this._text.textContent = text;
    }
    const meaning = summary ? summaryMeaning(summary) : this._trans.__('No cluster in the notebook in front');
    this._text.title = `${meaning}\n${this._trans.__('Press to see the live views')}`;
  }

  private readonly _text = document.createElement('span');
}
