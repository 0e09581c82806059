/** The timeline view: what ran where and when, as a picture and as tables. */

import type { IView, IViewContext } from '../context';
import { Chosen } from '../model/chosen';
import { DetailCard } from '../ui/detail';
import { el, setAttribute, setHidden, setText } from '../ui/dom';
import { emptyNote } from '../ui/empty-note';
import { FunctionLegend } from './function-legend';
import { saveFile } from '../ui/save-file';
import type { ITimeline } from '../model/spans';
import { describeTimeline, endOf, NO_TIMELINE, readTimeline } from '../model/spans';
import type { ITimelinePicture } from './timeline-draw';
import type { TimelineMode } from './timeline-bar';
import { TimelineBar } from './timeline-bar';
import { drawTimeline } from './timeline-draw';
import type { ITimelineLayout } from './timeline-layout';
import { layOut } from './timeline-layout';
import { describePick, pickAt } from './timeline-pick';
import type { ITimelineHost } from './timeline-stage';
import { TimelineStage } from './timeline-stage';
import { TimelineTable } from './timeline-table';
import { TimeWindow } from './time-window';
import { traceEvents } from '../model/trace';
import { WorkLegend } from './work-legend';
import { workTime } from '../model/work-time';

const GUTTER_WIDE = 108;
const GUTTER_NARROW = 64;
const WIDE_FROM = 420;

/** The timeline view. */
export class TimelineView implements IView, ITimelineHost {
  readonly node: HTMLElement;

  constructor(private readonly _context: IViewContext) {
    this._stage = new TimelineStage(this);
    this._table = new TimelineTable(_context, task => this._select(task));
    this._legend = new FunctionLegend(_context);
    this._detail = new DetailCard(_context, {
      select: task => this._select(task),
      close: () => this._select(-1)
    });
    this._bar = new TimelineBar({
      mode: mode => {
        this._mode = mode;
        this.update();
      },
      show: mode => this._show(mode),
      save: () => this._saveTrace()
    });
    this._tip.hidden = true;
    const parts = [this._stage.node, this._table.node, this._empty, this._tip, this._detail.node];
    const all = [this._bar.node, el('div', 'graph-place', parts), this._legend.node, this._workLegend.node];
    this.node = el('div', 'view timeline', all, { role: 'group', 'aria-label': 'timeline' });
    this.update();
  }

  update(): void {
    const { model } = this._context.feed;
    if (model.session !== this._session) {
      this._session = model.session;
      this._window.mode = 'follow';
      this._select(-1);
    }
    if (model.epoch !== this._epoch) {
      this._epoch = model.epoch;
      this._hovered = -1;
    }
    this._choice.follow(model);
    if (model.spansVersion !== this._version) {
      this._version = model.spansVersion;
      this._timeline = readTimeline(model);
    }
    const { live } = this._context.feed;
    if (!model.past) {
      this._whole = this._timeline;
      this._wholeVersion = live.spansVersion;
    } else if (live.spansVersion !== this._wholeVersion) {
      this._wholeVersion = live.spansVersion;
      this._whole = readTimeline(live);
    }
    const timeline = this._timeline;
    setAttribute(this._stage.canvas, 'aria-label', describeTimeline(timeline));
    setHidden(this._empty, timeline.spans > 0);
    setHidden(this._stage.node, this._mode === 'table' || timeline.spans === 0);
    setHidden(this._table.node, this._mode !== 'table');
    this._legend.update();
    this._workLegend.update(model);
    this._detail.update();
    this._say();
    if (this._mode === 'table') {
      this._table.update(timeline);
    } else {
      this._context.pace(this._stage.frames);
      this._stage.invalidate();
    }
  }

  restyle(): void {
    this._stage.invalidate();
  }

  dispose(): void {
    this._stage.dispose();
    this._detail.dispose();
  }

  draw(context: CanvasRenderingContext2D): boolean {
    const live = this._context.feed.status === 'live' && this._timeline.running > 0;
    const { at, recorded } = this._context.feed;
    const past = at !== null || recorded;
    this._now = live || past || this._now === 0 ? this._context.feed.now() : this._now;
    // while one moves through time the piece of it that is shown stays, as long as the moment is in it
    this._window.update(this._whole, at === null ? this._now : this._context.feed.span()[1]);
    if (at !== null && !this._window.has(at)) {
      this._window.update(this._timeline, at);
    }
    this._layout = layOut(this._timeline, this._stage.height);
    this._scroll = Math.max(0, Math.min(this._scroll, this._scrollMax()));
    this._stage.showHidden(this._scroll, this._scrollMax() - this._scroll);
    this._drawn = this._picture();
    drawTimeline(context, this._drawn);
    return live;
  }

  hover(x: number, y: number): void {
    const pick = pickAt(this._drawn, x, y);
    const words = this._drawn ? describePick(pick, this._drawn) : '';
    this._hovered = pick.task;
    this._stage.canvas.style.cursor = pick.task >= 0 || pick.past ? 'pointer' : 'grab';
    this._tip.hidden = words === '';
    setText(this._tip, words);
    this._stage.invalidate();
  }

  leave(): void {
    this._hovered = -1;
    this._tip.hidden = true;
    this._stage.invalidate();
  }

  click(x: number, y: number): void {
    this._detail.node.classList.toggle('jp-gnomon-at-start', x > this._stage.width / 2);
    this._detail.node.classList.toggle('jp-gnomon-at-top', y > this._stage.height / 2);
    const { task, past } = pickAt(this._drawn, x, y);
    this._select(past ? past.task : task);
  }

  pan(dx: number, dy: number): void {
    if (dx !== 0) {
      this._window.pan((-dx / (this._stage.width - this._gutter())) * this._window.length);
    }
    this._scroll -= dy;
    this._say();
    this._stage.invalidate();
  }

  scroll(dy: number): boolean {
    const to = Math.max(0, Math.min(this._scroll + dy, this._scrollMax()));
    const moved = to !== this._scroll;
    this._scroll = to;
    this._stage.invalidate();
    return moved;
  }

  zoom(factor: number, x: number): void {
    const part = Math.max(0, (x - this._gutter()) / (this._stage.width - this._gutter()));
    const whole = 1.2 * Math.max(1, this._now - this._timeline.first);
    this._window.zoom(factor, this._window.from + part * this._window.length, whole);
    this._say();
    this._stage.invalidate();
  }

  key(key: string): boolean {
    const order = this._timeline.groups.flatMap(group => group.rows.flatMap(row => row.tasks));
    if ((key === 'n' || key === 'p') && order.length > 0) {
      const at = order.indexOf(this._choice.task);
      const step = key === 'n' ? 1 : -1;
      this._select(order[at < 0 ? (step > 0 ? 0 : order.length - 1) : (at + step + order.length) % order.length]);
      return true;
    }
    const actions: Record<string, () => void> = {
      '0': () => this._show('all'),
      End: () => this._show('follow'),
      Escape: () => this._select(-1)
    };
    actions[key]?.();
    return key in actions;
  }

  private _picture(): ITimelinePicture {
    const { feed, filter } = this._context;
    return {
      model: feed.model,
      timeline: this._timeline,
      palette: this._context.palette(),
      layout: this._layout!,
      window: this._window,
      width: this._stage.width,
      height: this._stage.height,
      gutter: this._gutter(),
      scroll: this._scroll,
      now: this._now,
      zero: this._whole.first,
      at: feed.at,
      selected: this._choice.task,
      hovered: this._hovered,
      shows: task => filter.shows(feed.model, task)
    };
  }

  /** How far the rows that do not fit can be moved up. */
  private _scrollMax(): number {
    return Math.max(0, (this._layout ? this._layout.height + this._layout.top : 0) - this._stage.height);
  }

  private _gutter(): number {
    return this._stage.width >= WIDE_FROM ? GUTTER_WIDE : GUTTER_NARROW;
  }

  private _select(task: number): void {
    const { model } = this._context.feed;
    this._choice.choose(model, task);
    this._detail.show(task >= 0 ? { task } : null);
    if (task >= 0 && this._window.mode === 'free') {
      this._window.reveal(model.tasks.start[task], endOf(model, task, this._now));
    }
    this._stage.invalidate();
  }

  private _show(mode: 'follow' | 'all'): void {
    this._window.mode = mode;
    this._say();
    this._stage.invalidate();
  }

  private _say(): void {
    const { model } = this._context.feed;
    const time = workTime(this._timeline, this._context.feed.now());
    this._bar.say(this._window.mode, this._timeline.spans, model.unlisted, time);
  }

  private _saveTrace(): void {
    const { feed } = this._context;
    saveFile('gnomon-trace.json', JSON.stringify(traceEvents(feed.model, feed.now())), 'application/json');
  }

  private readonly _bar: TimelineBar;
  private readonly _stage: TimelineStage;
  private readonly _table: TimelineTable;
  private readonly _legend: FunctionLegend;
  private readonly _workLegend = new WorkLegend();
  private readonly _detail: DetailCard;
  private readonly _window = new TimeWindow();
  private readonly _tip = el('div', 'tip', '', { 'aria-hidden': 'true' });
  private readonly _empty = emptyNote('Nothing has run yet', 'A task that starts appears here', 'f.remote(1)');
  private _mode: TimelineMode = 'picture';
  private _timeline: ITimeline = NO_TIMELINE;
  /** Of the whole time, also while the past is shown. */
  private _whole = this._timeline;
  private _wholeVersion = -1;
  private _layout: ITimelineLayout | null = null;
  private _drawn: ITimelinePicture | null = null;
  private _epoch = -1;
  private _session = '';
  private _version = -1;
  private _now = 0;
  private _scroll = 0;
  private readonly _choice = new Chosen();
  private _hovered = -1;
}
