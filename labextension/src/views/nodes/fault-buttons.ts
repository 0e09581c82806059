/**
 * The fault lab on a card: buttons that break something, each with a sentence on what will happen before it happens.
 *
 * What they ask for goes to the kernel over the channel, which serves it while a cell runs; what it answers is shown here.
 * What can not be done is shown with the reason, and stays where the keyboard finds it.
 */

import { el, setAttribute, setText } from '../ui/dom';
import type { Feed } from '../model/feed';

/** How long a node is cut off, in seconds. */
export const CUT_S = 3;

/** One thing that can be broken, or added. */
export interface IFault {
  /** "worker", "node", "delay", "object" or "add", as the kernel knows them. */
  readonly what: string;
  /** A process's number, or an id; absent for "add". */
  readonly target?: number | string;
  readonly label: string;
  /** What will happen. */
  readonly meaning: string;
  /** Why it is not possible; '' if it is. */
  readonly whyNot: string;
  /** What else the kernel is told. */
  readonly more?: Readonly<Record<string, number>>;
}

type FaultFeed = Pick<Feed, 'makeFault' | 'onNote'>;

/** The buttons, and below them the question, or what has come of it. */
export class FaultButtons {
  readonly node = el('div', 'faults', [], { role: 'group', 'aria-label': 'break something on purpose' });

  constructor(private readonly _feed: FaultFeed) {
    this._stop = _feed.onNote(({ about, text }) => {
      if (about === this._asked) {
        this._say(text);
      }
    });
    this._sure.addEventListener('click', () => this._make());
    this._not.addEventListener('click', () => this._leave());
    this._question.addEventListener('keydown', event => {
      if (event.key === 'Escape') {
        this._leave();
        event.stopPropagation();
      }
    });
    this.node.append(this._row, this._question, this._told);
    this._question.hidden = this._told.hidden = true;
  }

  /** Offers these; the same ones keep their buttons and an open question. */
  show(faults: readonly IFault[]): void {
    const key = faults.map(fault => `${aboutOf(fault)}/${fault.label}`).join(' ');
    if (key !== this._key) {
      this._key = key;
      this._buttons = faults.map((_, index) => this._button(index));
      this._row.replaceChildren(...this._buttons);
      this._leave();
      this._say('');
    }
    this._faults = faults;
    faults.forEach((fault, index) => {
      const button = this._buttons[index];
      setText(button, fault.label);
      setAttribute(button, 'title', fault.whyNot || fault.meaning);
      setAttribute(button, 'aria-disabled', String(fault.whyNot !== ''));
    });
    this.node.hidden = faults.length === 0;
  }

  /** Asks whether that is wanted; says why not where it is impossible. */
  ask(fault: IFault): void {
    if (fault.whyNot !== '') {
      this._leave();
      this._say(fault.whyNot);
      return;
    }
    this._open = fault;
    this._say('');
    setText(this._meaning, fault.meaning);
    setText(this._sure, fault.label);
    this._question.hidden = false;
    this._sure.focus();
  }

  dispose(): void {
    this._stop();
  }

  private _button(index: number): HTMLButtonElement {
    const button = el('button', 'link danger', '', { type: 'button' });
    button.addEventListener('click', () => this.ask(this._faults[index]));
    return button;
  }

  private _make(): void {
    const fault = this._open;
    if (fault) {
      this._leave();
      this._asked = aboutOf(fault);
      this._say(`asked the kernel: ${fault.label}`);
      this._feed.makeFault(fault.what, fault.target, fault.more);
    }
  }

  private _leave(): void {
    const focused = this._question.contains(document.activeElement);
    const index = this._faults.findIndex(fault => this._open !== null && aboutOf(fault) === aboutOf(this._open));
    this._open = null;
    this._question.hidden = true;
    if (focused) {
      this._buttons[index]?.focus();
    }
  }

  private _say(text: string): void {
    setText(this._told, text);
    this._told.hidden = text === '';
  }

  private _key = '';
  private _asked = '';
  private _open: IFault | null = null;
  private _faults: readonly IFault[] = [];
  private _buttons: HTMLButtonElement[] = [];
  private readonly _row = el('div', 'card-controls');
  private readonly _meaning = el('p', 'fault-meaning');
  private readonly _sure = el('button', 'fault-sure', '', { type: 'button' });
  private readonly _not = el('button', 'link', 'leave it', { type: 'button' });
  private readonly _question = el('div', 'fault-question', [
    this._meaning,
    el('div', 'card-controls', [this._sure, this._not])
  ]);
  private readonly _told = el('p', 'muted detail-note', '', { role: 'status' });
  private readonly _stop: () => void;
}

/** As the kernel's notes name it: "worker 12", "node ab". */
export function aboutOf({ what, target }: Pick<IFault, 'what' | 'target'>): string {
  return target === undefined ? what : `${what} ${target}`;
}
