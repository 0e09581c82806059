/**
 * The bar that says how fast work begins: pause, step, slow motion, an order from a seed.
 *
 * What it asks for goes to the kernel over the channel, which may be served late while a cell runs: until the feed
 * tells what has come of it the bar says that it has asked.
 */

import { el, setAttribute, setHidden, setText } from '../ui/dom';
import type { Feed } from '../model/feed';
import { formatCount, plural } from '../ui/format';
import type { Model } from '../model/model';
import { TaskState } from '../model/states';
import type { ITempo } from '../model/wire';

/** Places of the slider: seconds between two that begin; the first one is full speed. */
const INTERVALS_S = [0, 0.05, 0.1, 0.2, 0.5, 1, 2, 5] as const;

const SEED_MAX = 999_999;

const INLINE = 'Not on the inline engine: a task runs there when it is submitted, in the thread that submits it.';
const NO_CLUSTER = 'No cluster is running.';
const PAST = 'This is the past: go back to now to change how work begins.';

const MEANING = {
  pause: 'Nothing begins from now on; what runs goes on. Also while a cell waits.',
  resume: 'Everything may begin freely again.',
  step: 'Let one task or call begin, and pause.',
  slow: 'Slow motion: one task or call begins every so often, in the whole session.',
  seed: 'A whole number. The same seed draws the same order of what waits.',
  order: 'One at a time: each that begins is drawn from those that wait, by the seed.'
} as const;

/** What could begin, in words. */
export interface IBacklog {
  /** Tasks and calls that are ready. */
  readonly ready: number;
  /** Actors that are not made yet. */
  readonly pending: number;
}

/** What the bar shows of one state, in words; "" while work begins freely. */
export function describeTempo(tempo: ITempo, { ready, pending }: IBacklog): string {
  const actors = pending > 0 ? `, ${plural(pending, 'actor')} pending` : '';
  const tasks = ready > 0 ? plural(ready, 'task') : 'no tasks';
  const counts = `${tasks} ready${actors}, ${tempo.begun > 0 ? formatCount(tempo.begun) : 'none'} begun`;
  switch (tempo.mode) {
    case 'paused':
      return `paused · ${counts}${tempo.steps > 0 ? `, the next ${tempo.steps} will begin` : ''}`;
    case 'slow':
      return `slow motion · ${formatCount(tempo.begun)} begun`;
    case 'seeded':
      return `order of seed ${tempo.seed} · ${counts}`;
    default:
      return '';
  }
}

/** What could begin, as the views know it. */
export function backlogOf(model: Model): IBacklog {
  const actors = [...model.actors.values()];
  return {
    ready: model.totals()[TaskState.ready],
    pending: actors.filter(actor => actor.state === 'pending').length
  };
}

/** Why a control can not be used; "" when it can. */
export function whyNot(what: keyof typeof MEANING, engine: string, running: boolean): string {
  if (!running) {
    return NO_CLUSTER;
  }
  return engine === 'inline' && what !== 'slow' && what !== 'resume' ? INLINE : '';
}

/** The slider's place for an interval: the nearest one that is not shorter. */
export function placeOf(interval_s: number): number {
  const place = INTERVALS_S.findIndex(each => each >= interval_s);
  return place < 0 ? INTERVALS_S.length - 1 : place;
}

/** The bar. */
export class TempoBar {
  readonly node = el('div', 'tempo', [], { role: 'group', 'aria-label': 'how fast work begins' });

  constructor(private readonly _feed: Feed) {
    this._hold.addEventListener('click', () => this._ask(this._hold, this._held() ? 'resume' : 'pause'));
    this._step.addEventListener('click', () => this._ask(this._step, 'step', { n: 1 }));
    this._order.addEventListener('click', () => this._ask(this._order, 'order', { seed: this._seedNumber() }));
    this._slider.addEventListener('input', () => this._showInterval());
    this._slider.addEventListener('change', () => this._askInterval());
    _feed.onRefused(text => this._refused(text));
    this.node.append(
      this._hold,
      this._step,
      el('label', 'tempo-slow', [el('span', 'muted', 'slow motion'), this._slider, this._interval]),
      el('label', 'tempo-seed', [el('span', 'muted', 'seed'), this._seed]),
      this._order,
      this._told
    );
  }

  update(): void {
    const { model, status } = this._feed;
    const { tempo } = model;
    setHidden(this.node, this._feed.recorded);
    const running = status !== 'idle' && status !== 'closed' && status !== 'connecting';
    const held = this._held();
    setText(this._hold, held ? 'Resume' : 'Pause');
    this._allow(this._hold, held ? 'resume' : 'pause', running);
    this._allow(this._step, 'step', running);
    this._allow(this._order, 'order', running);
    this._allow(this._slider, 'slow', running);
    this._allow(this._seed, 'seed', running);
    setAttribute(this._hold, 'aria-pressed', String(held));
    if (tempo !== this._seen) {
      this._seen = tempo;
      this._message = '';
      if (document.activeElement !== this._slider) {
        this._slider.value = String(placeOf(tempo.mode === 'slow' ? tempo.interval_s : 0));
      }
    }
    this._showInterval();
    setText(this._told, this._message || (held ? describeTempo(tempo, backlogOf(model)) : ''));
    this.node.classList.toggle('jp-gnomon-active', held || this._message !== '');
    setAttribute(this.node, 'data-mode', tempo.mode);
  }

  private _held(): boolean {
    return this._feed.model.tempo.mode !== 'free';
  }

  private _allow(control: HTMLElement, what: keyof typeof MEANING, running: boolean): void {
    const reason = this._feed.at === null ? whyNot(what, this._feed.model.engine, running) : PAST;
    setAttribute(control, 'aria-disabled', String(reason !== ''));
    setAttribute(control, 'title', reason || MEANING[what]);
  }

  private _ask(control: HTMLElement, set: string, value: Readonly<Record<string, number>> = {}): void {
    if (control.getAttribute('aria-disabled') === 'true') {
      this._refused(control.title);
      return;
    }
    this._message = `asked the kernel: ${set}`;
    this._feed.setTempo(set, value);
    this.update();
  }

  private _askInterval(): void {
    const seconds = INTERVALS_S[Number(this._slider.value)];
    this._ask(this._slider, seconds > 0 ? 'slow' : 'resume', seconds > 0 ? { seconds } : {});
  }

  private _refused(text: string): void {
    this._message = text;
    this.update();
  }

  private _seedNumber(): number {
    const seed = Math.trunc(Number(this._seed.value));
    return Number.isFinite(seed) ? Math.min(Math.max(seed, 0), SEED_MAX) : 0;
  }

  private _showInterval(): void {
    const seconds = INTERVALS_S[Number(this._slider.value)];
    const text = seconds > 0 ? `one every ${seconds} s` : 'full speed';
    setText(this._interval, text);
    setAttribute(this._slider, 'aria-valuetext', text);
  }

  private _message = '';
  private _seen: ITempo | null = null;
  private readonly _hold = el('button', 'tempo-button', 'Pause', { type: 'button' });
  private readonly _step = el('button', 'tempo-button', 'Step', { type: 'button' });
  private readonly _slider = el('input', 'tempo-slider', [], {
    type: 'range',
    min: '0',
    max: String(INTERVALS_S.length - 1),
    value: '0'
  });
  private readonly _interval = el('span', 'tempo-interval');
  private readonly _seed = el('input', 'tempo-number', [], {
    type: 'number',
    min: '0',
    max: String(SEED_MAX),
    value: '1'
  });
  private readonly _order = el('button', 'tempo-button tempo-order', 'Order', { type: 'button' });
  private readonly _told = el('span', 'tempo-told', '', { role: 'status' });
}
