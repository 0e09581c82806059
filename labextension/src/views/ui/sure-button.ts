/** A button that asks back: what it does can not be undone. */

import { el, setText } from './dom';

/** A button that acts on its second click; it forgets the first one when it loses the focus. */
export function sureButton(label: string, sure: string, title: string, act: () => void): HTMLButtonElement {
  const button = el('button', 'link danger', label, { type: 'button', title });
  let asked = false;
  const ask = (wanted: boolean): void => {
    asked = wanted;
    setText(button, wanted ? sure : label);
    button.classList.toggle('jp-gnomon-asked', wanted);
  };
  button.addEventListener('click', () => {
    if (asked) {
      act();
    }
    ask(!asked);
  });
  button.addEventListener('blur', () => ask(false));
  return button;
}
