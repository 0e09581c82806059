/** The style sheet of the views in cells: once in a page, however many there are, since each copy costs at every change. */

import css from '../style/base.css';

let sheet: HTMLStyleElement | null = null;
let users = 0;

function makeSheet(): HTMLStyleElement {
  const style = document.createElement('style');
  style.textContent = css;
  return style;
}

/** Gives a view its style. Returns a function that takes it back. */
export function styleFor(view: HTMLElement): () => void {
  if (view.getRootNode() instanceof ShadowRoot) {
    const own = makeSheet(); // a tree of its own sees no other
    view.append(own);
    return () => own.remove();
  }
  if (users++ === 0) {
    sheet = makeSheet();
    document.head.append(sheet);
  }
  return () => {
    if (--users === 0) {
      sheet?.remove();
    }
  };
}
