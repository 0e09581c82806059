/** A row of buttons of which one is pressed. */

import { el, setAttribute } from './dom';

/** Buttons for `choices`; `chosen` is pressed first. Calls back when another one is. */
export function segments<Choice extends string>(
  choices: readonly Choice[],
  chosen: Choice,
  label: string,
  choose: (choice: Choice) => void,
  titles: Readonly<Partial<Record<Choice, string>>> | null = null
): HTMLElement {
  const buttons = choices.map(choice => {
    const button = el('button', 'segment', choice, {
      type: 'button',
      'aria-pressed': String(choice === chosen),
      title: titles?.[choice] ?? ''
    });
    button.addEventListener('click', () => {
      buttons.forEach((other, i) => setAttribute(other, 'aria-pressed', String(choices[i] === choice)));
      choose(choice);
    });
    return button;
  });
  return el('div', 'segments', buttons, { role: 'group', 'aria-label': label });
}
