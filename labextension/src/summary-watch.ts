/**
 * Hears from the kernel of the notebook in front what the status bar says: a few numbers, sent when they have changed.
 *
 * It asks for nothing while the page is hidden or the item is switched off.
 */

import { KernelLink } from './kernel-link';
import type { NotebookChoice } from './notebook-choice';
import type { ISummary } from './views/model/summary';

/** The watch; tells `heard` of each summary, and null when there is no cluster. */
export class SummaryWatch {
  constructor(
    private readonly _choice: NotebookChoice,
    private readonly _heard: (summary: ISummary | null) => void
  ) {
    this._link = new KernelLink(() => this._connected());
    _choice.changed.connect(this._follow, this);
    document.addEventListener('visibilitychange', () => this._tell());
  }

  /** Whether anybody looks at what it hears. */
  set enabled(enabled: boolean) {
    this._enabled = enabled;
    this._follow();
  }

  private _follow(): void {
    this._link.follow(this._enabled ? (this._choice.notebook?.sessionContext ?? null) : null);
  }

  private _connected(): void {
    this._heard(null);
    this._link.channel?.listen(message => {
      if (message.kind === 'summary') {
        this._heard(message.session === '' ? null : (message as unknown as ISummary));
      }
    });
    this._tell();
  }

  private _tell(): void {
    this._link.channel?.send({ kind: document.visibilityState === 'hidden' ? 'hidden' : 'summarise' });
  }

  private readonly _link: KernelLink;
  private _enabled = false;
}
