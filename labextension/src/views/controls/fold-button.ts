/**
 * The button that unfolds what a narrow header has no room for: slow motion, order, filter.
 *
 * The style sheet folds, by the width of the view, and only what is not in use; this button is there only where it does.
 */

import { el, setAttribute } from '../ui/dom';

const CLASS = 'jp-gnomon-unfolded';

/** A button that folds and unfolds a header. */
export function foldButton(header: HTMLElement): HTMLElement {
  const button = el('button', 'fold', '⋯', {
    type: 'button',
    'aria-label': 'more controls',
    'aria-expanded': 'false',
    title: 'More: slow motion, order, and which cell and function are shown'
  });
  button.addEventListener('click', () => {
    setAttribute(button, 'aria-expanded', String(header.classList.toggle(CLASS)));
  });
  return button;
}
