/**
 * Keys that belong to what has the focus.
 *
 * In a cell's output JupyterLab takes Enter, the arrows and most letters for commands of the notebook, before any element
 * there hears of them; it leaves those alone that carry a certain attribute. They have it while a key without Ctrl, Alt or
 * Command is down, so that all other shortcuts work as everywhere.
 */

const SUPPRESS = 'data-lm-suppress-shortcuts';

/** Does what a plain key means: one of `actions`, or else `other`, which tells whether it knew the key. */
export function actOnKey(
  event: KeyboardEvent,
  actions: Readonly<Record<string, () => void>>,
  other: (key: string) => boolean
): void {
  if (event.ctrlKey || event.metaKey || event.altKey) {
    return;
  }
  const action = actions[event.key];
  if (action) {
    action();
  } else if (!other(event.key)) {
    return;
  }
  // the notebook around has its own meaning for most keys
  event.preventDefault();
  event.stopPropagation();
}

/** Plain keys pressed within `root` are its own. Returns a function that ends it. */
export function ownKeys(root: HTMLElement): () => void {
  const before = (event: KeyboardEvent): void => {
    const own = !event.ctrlKey && !event.metaKey && !event.altKey && root.contains(event.target as Node | null);
    root.toggleAttribute(SUPPRESS, own);
  };
  window.addEventListener('keydown', before, true);
  return () => window.removeEventListener('keydown', before, true);
}
