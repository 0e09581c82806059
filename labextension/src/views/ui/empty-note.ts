/** What stands where a view has nothing to show: that it is so, and what would fill it. */

import { el } from './dom';

/** A title, a sentence, and the code that helps; "" for none. */
export function emptyNote(title: string, text: string, code = ''): HTMLElement {
  const parts: Node[] = [el('strong', '', title), el('span', '', text)];
  return el('div', 'empty', code === '' ? parts : [...parts, el('code', '', code)]);
}
