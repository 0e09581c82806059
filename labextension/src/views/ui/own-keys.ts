/**
 * Keys that belong to what has the focus.
 *
 * In a cell's output JupyterLab takes Enter, the arrows and most letters for commands of the notebook, before any element
 * there hears of them; it leaves those alone that carry a certain attribute. They have it while a key without Ctrl, Alt or
 * Command is down, so that all other shortcuts work as everywhere.
 */

const SUPPRESS = 'data-lm-suppress-shortcuts';

/** Plain keys pressed within `root` are its own. Returns a function that ends it. */
export function ownKeys(root: HTMLElement): () => void {
  const before = (event: KeyboardEvent): void => {
    const own = !event.ctrlKey && !event.metaKey && !event.altKey && root.contains(event.target as Node | null);
    root.toggleAttribute(SUPPRESS, own);
  };
  window.addEventListener('keydown', before, true);
  return () => window.removeEventListener('keydown', before, true);
}
