/** The bar above the timeline: picture or table, which piece of time, a trace to be saved, and how much there is. */

import { el, setAttribute, setText } from '../ui/dom';
import { joined, UNLISTED_HELP, plural } from '../ui/format';
import { segments } from '../ui/segments';
import type { WindowMode } from './time-window';
import type { IWorkTime } from '../model/work-time';
import { workHelp, workWords } from '../model/work-time';

export const TIMELINE_MODES = ['picture', 'table'] as const;

export type TimelineMode = (typeof TIMELINE_MODES)[number];

export interface ITimelineActions {
  mode(mode: TimelineMode): void;
  show(mode: 'follow' | 'all'): void;
  save(): void;
}

/** The bar. */
export class TimelineBar {
  readonly node: HTMLElement;

  constructor(actions: ITimelineActions) {
    const modes = segments(TIMELINE_MODES, 'picture', 'timeline as', mode => actions.mode(mode));
    this.node = el('div', 'toolbar', [modes, this._latest, this._all, this._save, this._note]);
    this._latest.addEventListener('click', () => actions.show('follow'));
    this._all.addEventListener('click', () => actions.show('all'));
    this._save.addEventListener('click', () => actions.save());
  }

  /** Says which piece of time is shown, how many spans there are and what they took, and how many tasks are not listed. */
  say(mode: WindowMode, spans: number, unlisted: number, time: IWorkTime): void {
    setAttribute(this._latest, 'aria-pressed', String(mode === 'follow'));
    setAttribute(this._all, 'aria-pressed', String(mode === 'all'));
    const others = unlisted > 0 ? `${plural(unlisted, 'task')} not listed` : '';
    setText(this._note, spans > 0 ? joined([plural(spans, 'span'), workWords(time), others], ' · ') : '');
    setAttribute(this._note, 'title', joined([workHelp(time), unlisted > 0 ? UNLISTED_HELP : ''], ' '));
  }

  private readonly _note = el('span', 'note');
  private readonly _latest = el('button', 'link toggle', 'latest', {
    type: 'button',
    title: 'Follow the latest work (End)'
  });
  private readonly _all = el('button', 'link toggle', 'all', { type: 'button', title: 'Show everything (0)' });
  private readonly _save = el('button', 'link', 'save trace', {
    type: 'button',
    title: 'Save all spans as a Chrome trace, to be opened in ui.perfetto.dev or chrome://tracing'
  });
}
