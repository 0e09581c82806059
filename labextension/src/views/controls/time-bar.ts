/**
 * The bar that moves all views through time: a slider, a button that plays, how fast, and the way back to now.
 *
 * A live view goes on being told what happens while it shows the past. A report has nothing but the past: its bar
 * is always open, and its end is the end of the run.
 */

import { el, setAttribute, setHidden, setText } from '../ui/dom';
import type { Feed } from '../model/feed';
import type { IEventMark, IRunEvent } from '../model/events';
import { markFrom, marksOf } from '../model/events';
import { formatDuration } from '../ui/format';
import { TimeMarks } from './time-marks';
import { TimeScale } from '../model/time-scale';

/** Seconds of the run for each second of watching. */
export const SPEEDS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500] as const;

/** A run is played in about so many seconds, unless one asks for another speed. */
const PLAYED_IN_S = 15;
/** What the arrow keys move by, as a part of the run; pages are ten times as long. */
const STEP = 1 / 200;
const KEYS: Readonly<Record<string, number>> = {
  ArrowLeft: -STEP,
  ArrowDown: -STEP,
  ArrowRight: STEP,
  ArrowUp: STEP,
  PageDown: -10 * STEP,
  PageUp: 10 * STEP
};
const FRAME_MS = 33;

/** The speed at which so many seconds are played in good time. */
export function speedFor(length_s: number): number {
  return SPEEDS.find(speed => length_s / speed <= PLAYED_IN_S * 1.4) ?? SPEEDS[SPEEDS.length - 1];
}

/** Where one is, in words: "2.5 s of 10 s", "7.5 s before now". */
export function describeMoment(at: number | null, from: number, to: number, recorded: boolean): string {
  if (recorded) {
    return `${formatDuration(Math.max(0, (at ?? to) - from))} of ${formatDuration(Math.max(0, to - from))}`;
  }
  return at === null ? 'now' : `${formatDuration(Math.max(0, to - at))} before now`;
}

/** The bar. */
export class TimeBar {
  readonly node = el('div', 'time', [], { role: 'group', 'aria-label': 'time' });

  constructor(private readonly _feed: Feed) {
    SPEEDS.forEach(speed => this._speed.append(el('option', '', `× ${speed}`, { value: String(speed) })));
    this._open.addEventListener('click', () => this._toggle());
    this._play.addEventListener('click', () => this._playOrStop());
    this._slider.addEventListener('input', () => this._scrub(Number(this._slider.value)));
    this._slider.addEventListener('keydown', event => this._key(event));
    this._speed.addEventListener('change', () => (this._chosen = Number(this._speed.value)));
    this._back.addEventListener('click', () => this._return());
    this._before.addEventListener('click', () => this._toEvent(false));
    this._after.addEventListener('click', () => this._toEvent(true));
    const track = el('div', 'time-track', [this._slider, this._strip.node]);
    const events = el('span', 'time-steps', [this._before, this._after]);
    this._parts = [this._play, events, track, this._where, this._speed, this._back, this._told];
    this.node.append(this._open, ...this._parts);
    this.update();
  }

  update(): void {
    const { at, recorded } = this._feed;
    const open = recorded || this._isOpen;
    setAttribute(this.node, 'data-open', String(open));
    setHidden(this._open, recorded);
    setAttribute(this._open, 'aria-expanded', String(open));
    const isNow = recorded || at === null;
    this._parts.forEach(part => setHidden(part, !open || (part === this._back && isNow)));
    this.node.classList.toggle('jp-gnomon-active', at !== null);
    if (open) {
      this._fill();
    }
  }

  dispose(): void {
    this._stop();
  }

  private _fill(): void {
    const { at, recorded } = this._feed;
    const [from, to] = this._feed.span();
    const known = to > from;
    this._measure(from, to);
    setText(this._play, this._timer === 0 ? 'Play' : 'Stop');
    setAttribute(this._play, 'aria-disabled', String(!known));
    setAttribute(this._slider, 'aria-disabled', String(!known));
    this._slider.disabled = !known;
    this._slider.value = String(at === null ? 1 : this._scale.placeOf(at));
    const words = known ? describeMoment(at, from, to, recorded) : 'nothing has happened yet';
    setText(this._where, words);
    setAttribute(this._slider, 'aria-valuetext', words);
    this._speed.value = String(this._chosen ?? speedFor(this._scale.length));
    this._allow(this._before, markFrom(this._marks, at, false) !== null);
    this._allow(this._after, markFrom(this._marks, at, true) !== null);
    this._event = at === this._event?.time ? this._event : null;
    setAttribute(this.node, 'data-events', String(this._marks.length > 0));
    setText(this._told, this._tell(at));
    setAttribute(this._told, 'title', this._tell(at));
  }

  private _tell(at: number | null): string {
    const { wholeFrom } = this._feed.travel;
    const blank = at !== null && at < wholeFrom;
    const counted = this._feed.live.unlisted > 0 ? '; tasks that are not listed count as they stood then' : '';
    const later = `objects, actors and nodes are known from a later time on${counted}`;
    const event = this._event ? [this._event.words] : [];
    return [...event, ...(blank ? [later] : []), ...(this._feed.note === '' ? [] : [this._feed.note])].join('; ');
  }

  private _toggle(): void {
    this._isOpen = !this._isOpen;
    if (!this._isOpen) {
      this._return();
    }
    this.update();
  }

  private _return(): void {
    this._stop();
    this._feed.goTo(null);
  }

  /** By keys one goes in steps that are seen; by the mouse as far as the slider can be moved. */
  private _key(event: KeyboardEvent): void {
    const step = KEYS[event.key];
    if ((event.key === 'n' || event.key === 'p') && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      event.stopPropagation(); // the notebook around has its own meaning for letters
      this._toEvent(event.key === 'n');
    }
    if (step !== undefined) {
      event.preventDefault();
      this._scrub(Math.max(0, Number(this._slider.value) + step));
    }
  }

  private _scrub(place: number): void {
    this._stop();
    this._slider.value = String(place); // at once: the next key may come before the views are drawn
    this._feed.goTo(place >= 1 ? null : this._scale.timeAt(place));
  }

  private _toEvent(forward: boolean): void {
    const mark = markFrom(this._marks, this._feed.at, forward);
    if (mark) {
      this._show(mark);
    }
  }

  private _show(mark: IEventMark): void {
    this._stop();
    this._event = mark;
    this._feed.goTo(mark.time);
  }

  private _allow(button: HTMLElement, can: boolean): void {
    setAttribute(button, 'aria-disabled', String(!can));
  }

  private _playOrStop(): void {
    if (this._timer !== 0) {
      this._stop();
      this.update();
      return;
    }
    const [from, to] = this._feed.span();
    if (to <= from) {
      return;
    }
    if (this._feed.at === null) {
      this._feed.goTo(from);
    }
    this._last = performance.now();
    this._timer = requestAnimationFrame(() => this._step());
    this.update();
  }

  private _step(): void {
    this._timer = requestAnimationFrame(() => this._step());
    const now = performance.now();
    const passed = now - this._last;
    const { at } = this._feed;
    if (at === null) {
      this._stop(); // somebody has gone back to now
      this.update();
    } else if (passed >= FRAME_MS) {
      this._last = now;
      const step = (Math.min(passed, 500) / 1000) * Number(this._speed.value);
      const next = this._scale.placeOf(at) + step / this._scale.length;
      if (next < 1) {
        this._feed.goTo(this._scale.timeAt(next));
      } else {
        this._return();
        this.update();
      }
    }
  }

  /** The scale grows with the run; it is made anew only when something has changed. */
  private _measure(from: number, to: number): void {
    const { live } = this._feed;
    const key = `${live.epoch}/${live.version}/${from}/${this._feed.at === null ? to : ''}`;
    if (key !== this._measured) {
      this._measured = key;
      this._scale = new TimeScale(this._feed.travel.busy(to), from, to);
      if (this._seen !== `${live.epoch}/${live.version}`) {
        this._seen = `${live.epoch}/${live.version}`;
        this._events = this._feed.travel.events();
      }
      this._marks = marksOf(this._events, this._scale);
      this._strip.show(this._scale.rests(), this._marks);
    }
  }

  private _stop(): void {
    cancelAnimationFrame(this._timer);
    this._timer = 0;
  }

  private _scale = new TimeScale([], 0, 0);
  private _seen = '';
  private _events: readonly IRunEvent[] = [];
  private _marks: readonly IEventMark[] = [];
  /** The one that is shown. */
  private _event: IEventMark | null = null;
  private readonly _strip = new TimeMarks(mark => this._show(mark));
  private _measured = '';
  private _isOpen = false;
  private _timer = 0;
  private _last = 0;
  private _chosen: number | null = null;
  private readonly _parts: readonly HTMLElement[];
  private readonly _open = el('button', 'time-button', 'Look back', {
    type: 'button',
    title: 'Show how things stood before; what happens goes on meanwhile'
  });
  private readonly _play = el('button', 'time-button', 'Play', {
    type: 'button',
    title: 'Play what happened, from where the slider is'
  });
  private readonly _before = el('button', 'time-button', [text('‹'), el('span', 'wide-word', ' event')], {
    type: 'button',
    'aria-label': 'previous event',
    title: 'Go to the event before: a failure, a death, a loss, another attempt, a spill (p)'
  });
  private readonly _after = el('button', 'time-button', [el('span', 'wide-word', 'event '), text('›')], {
    type: 'button',
    'aria-label': 'next event',
    title: 'Go to the next event: a failure, a death, a loss, another attempt, a spill (n)'
  });
  private readonly _slider = el('input', 'time-slider', [], {
    type: 'range',
    min: '0',
    max: '1',
    step: 'any',
    value: '1',
    'aria-label': 'time shown'
  });
  private readonly _where = el('span', 'time-where');
  private readonly _speed = el('select', 'time-speed', [], { 'aria-label': 'how fast it is played' });
  private readonly _back = el('button', 'time-button time-back', 'Back to now', { type: 'button' });
  private readonly _told = el('span', 'time-told', '', { role: 'status' });
}

function text(words: string): Text {
  return document.createTextNode(words);
}
