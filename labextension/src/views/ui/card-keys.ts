/** The keyboard and a card that lies upon a view: Escape closes it, and the focus goes back to where it came from. */

/** The keys of one card. */
export class CardKeys {
  constructor(
    private readonly _card: HTMLElement,
    close: () => void
  ) {
    _card.addEventListener('keydown', event => {
      if (event.key === 'Escape') {
        event.preventDefault();
        event.stopPropagation();
        close();
      }
    });
  }

  /** The card is about to be shown. */
  opening(): void {
    const { activeElement } = document;
    if (!this._card.contains(activeElement)) {
      this._opener = activeElement instanceof HTMLElement ? activeElement : null;
    }
  }

  /** The card is about to be hidden: what has the focus within it would lose it to nobody. */
  closing(): void {
    if (this._card.contains(document.activeElement)) {
      this._opener?.focus();
    }
    this._opener = null;
  }

  private _opener: HTMLElement | null = null;
}
