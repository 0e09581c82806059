/** The strip under the slider through time: where nothing went on, and marks of what happened. */

import { el, KeyedList, setAttribute, stateIcon } from '../ui/dom';
import type { IEventMark } from '../model/events';
import { formatDuration } from '../ui/format';
import type { IRest } from '../model/time-scale';

/** Where there are more, the others are found with the buttons. */
const MARKS_MAX = 150;
const RESTS_MAX = 60;

/** The strip. For those who see it: the buttons beside it do the same, and say what they find. */
export class TimeMarks {
  readonly node = el('div', 'time-marks', [], { 'aria-hidden': 'true' });

  constructor(goTo: (mark: IEventMark) => void) {
    const rests = el('div', 'time-rests');
    const marks = el('div', 'time-events');
    this.node.append(rests, marks);
    this._rests = new KeyedList<IRest>(
      rests,
      () => el('i', 'time-rest'),
      (element, rest) => {
        element.style.left = percent(rest.from);
        element.style.width = percent(rest.to - rest.from);
        setAttribute(element, 'title', `nothing went on for ${formatDuration(rest.seconds)}`);
      }
    );
    this._marks = new KeyedList<IEventMark>(
      marks,
      mark => {
        const button = el('button', 'time-mark', [stateIcon(mark.kind)], { type: 'button', tabindex: '-1' });
        button.addEventListener('click', () => this._of.get(button) && goTo(this._of.get(button)!));
        return button;
      },
      (element, mark) => {
        this._of.set(element, mark);
        element.style.left = percent(mark.place);
        setAttribute(element, 'title', mark.words);
      }
    );
  }

  /** Shows rests and marks. */
  show(rests: readonly IRest[], marks: readonly IEventMark[]): void {
    const widest = [...rests].sort((a, b) => b.to - b.from - (a.to - a.from)).slice(0, RESTS_MAX);
    this._rests.show(widest.map((rest, i) => [String(i), rest]));
    const step = Math.max(1, Math.ceil(marks.length / MARKS_MAX));
    const shown = marks.filter((mark, i) => i % step === 0 || mark.kind === 'died');
    this._marks.show(shown.map(mark => [`${mark.kind}/${mark.time}`, mark]));
    this.node.hidden = widest.length === 0 && shown.length === 0;
  }

  private readonly _of = new WeakMap<HTMLElement, IEventMark>();
  private readonly _rests: KeyedList<IRest>;
  private readonly _marks: KeyedList<IEventMark>;
}

function percent(part: number): string {
  return `${(100 * part).toFixed(2)}%`;
}
