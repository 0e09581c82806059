/** The timeline as tables: what every worker has done, and the latest spans. For screen readers, and for numbers. */

import type { IViewContext } from '../context';
import { el, KeyedList, setAttribute, setText, stateIcon } from '../ui/dom';
import { formatBytes, formatCount, formatDuration } from '../ui/format';
import type { ITimeline, ITimelineRow } from '../model/spans';
import { endOf, isRunning } from '../model/spans';
import { TASK_STATES } from '../model/states';
import type { IWorkSpan } from '../model/work-spans';
import { aboutSpan, kindOf } from '../model/work-spans';

const SPANS_MAX = 60;
const WORKERS_MAX = 200;

/** What a worker has done so far. Times in seconds. */
export interface IWorkerSummary {
  readonly tasks: number;
  readonly busy: number;
  /** Part of the time since the first span of all that it was busy. */
  readonly share: number;
  readonly current: number;
}

/** Sums up a row; overlapping spans count once. */
export function summarise(context: Pick<IViewContext, 'feed'>, timeline: ITimeline, row: ITimelineRow): IWorkerSummary {
  const { model } = context.feed;
  const now = context.feed.now();
  let [busy, until, current] = [0, 0, -1];
  for (const task of row.tasks) {
    const [start, end] = [model.tasks.start[task], endOf(model, task, now)];
    busy += Math.max(0, end - Math.max(start, until));
    until = Math.max(until, end);
    current = isRunning(model, task) ? task : current;
  }
  const whole = (timeline.running > 0 ? now : timeline.last) - timeline.first;
  return { tasks: row.tasks.length, busy, share: whole > 0 ? Math.min(1, busy / whole) : 0, current };
}

/** Both tables. */
export class TimelineTable {
  readonly node: HTMLElement;

  constructor(
    private readonly _context: IViewContext,
    private readonly _choose: (task: number) => void
  ) {
    const workers = el('tbody');
    const spans = el('tbody');
    this._workers = new KeyedList<ITimelineRow>(workers, workerRow, (row, of) => this._fillWorker(row, of));
    this._spans = new KeyedList<number>(
      spans,
      () => this._spanRow(),
      (row, task) => this._fillSpan(row, task),
      true
    );
    this.node = el('div', 'table-scroll', [
      table('work by worker', ['worker', 'runs now', 'tasks', 'busy', 'of the time'], workers),
      this._title,
      table('latest tasks', ['task', 'state', 'worker', 'started', 'took'], spans),
      this._workPlace
    ]);
    const work = el('tbody');
    this._work = new KeyedList<IWorkSpan>(
      work,
      () =>
        el('tr', '', [
          el('th', '', '', { scope: 'row' }),
          ...['', '', 'number', 'number', 'number'].map(each => el('td', each))
        ]),
      (row, span) => this._fillWork(row, span)
    );
    this._workPlace.append(
      el('div', 'muted table-title', 'The latest work besides tasks'),
      table('work besides tasks', ['kind', 'about', 'where', 'size', 'started', 'took'], work)
    );
  }

  update(timeline: ITimeline): void {
    this._timeline = timeline;
    const { model } = this._context.feed;
    const rows = timeline.groups.flatMap(group => group.rows).filter(row => row.worker >= 0);
    this._workers.show(rows.slice(0, WORKERS_MAX).map(row => [`${model.session}/${row.worker}`, row]));
    const latest = rows
      .flatMap(row => row.tasks.slice(-SPANS_MAX))
      .filter(task => this._context.filter.shows(model, task))
      .sort((a, b) => model.tasks.start[b] - model.tasks.start[a])
      .slice(0, SPANS_MAX);
    setText(this._title, `The latest ${latest.length} of ${formatCount(timeline.spans)} tasks that have started`);
    const others = [...model.spans].sort((a, b) => b.start - a.start).slice(0, SPANS_MAX);
    this._workPlace.hidden = others.length === 0;
    this._work.show(others.map(span => [`${span.process}/${span.kind}/${span.start}/${span.end}/${span.size}`, span]));
    this._spans.show(latest.map(task => [`${model.epoch}/${task}`, task]));
  }

  private _fillWorker(element: HTMLElement, row: ITimelineRow): void {
    const { model } = this._context.feed;
    const { tasks, busy, share, current } = summarise(this._context, this._timeline!, row);
    const [name, now, count, time, part] = element.children;
    const node = model.nodes.size > 1 ? model.nodes.get(model.nodeOf(model.workers[row.worker]))?.label : '';
    setText(name, node ? `${row.label}, ${node}` : row.label);
    setText(now, current >= 0 ? model.nameOf(model.tasks.func[current]) : '–');
    setText(count, formatCount(tasks));
    setText(time, formatDuration(busy));
    setText(part, `${Math.round(share * 100)} %`);
    tellWhole(element);
  }

  private _spanRow(): HTMLElement {
    const name = el('button', 'link', '', { type: 'button' });
    const element = el('tr', '', [
      el('th', '', [name], { scope: 'row' }),
      el('td', 'state-cell'),
      el('td'),
      el('td', 'number'),
      el('td', 'number')
    ]);
    name.addEventListener('click', () => this._choose(this._tasks.get(element)!));
    return element;
  }

  private _fillSpan(element: HTMLElement, task: number): void {
    this._tasks.set(element, task);
    const { model } = this._context.feed;
    const { tasks } = model;
    const [name, state, worker, started, took] = element.children;
    setText(name.firstElementChild!, model.titleOf(task));
    const word = TASK_STATES[tasks.state[task]];
    if (state.getAttribute('data-state') !== word) {
      state.setAttribute('data-state', word);
      state.replaceChildren(stateIcon(word), el('span', '', word));
    }
    setText(worker, model.workers[tasks.worker[task]]?.label ?? '');
    setText(started, `at ${formatDuration(tasks.start[task] - this._timeline!.first)}`);
    setText(took, formatDuration(endOf(model, task, this._context.feed.now()) - tasks.start[task]));
    tellWhole(element);
  }

  private _fillWork(element: HTMLElement, span: IWorkSpan): void {
    const { model } = this._context.feed;
    const place = model.workers.find(worker => worker.id === span.process)?.label;
    const node = [...model.nodes.values()].find(each => each.process === span.process)?.label;
    const texts = [
      kindOf(span).label,
      aboutSpan(model, span),
      place ?? node ?? '',
      formatBytes(span.size),
      `at ${formatDuration(span.start - this._timeline!.first)}`,
      formatDuration(span.end - span.start)
    ];
    texts.forEach((text, i) => setText(element.children[i], text));
    tellWhole(element);
  }

  private readonly _workPlace = el('div');
  private readonly _work: KeyedList<IWorkSpan>;
  private readonly _workers: KeyedList<ITimelineRow>;
  private readonly _spans: KeyedList<number>;
  /** Which task a row shows. */
  private readonly _tasks = new WeakMap<HTMLElement, number>();
  private readonly _title = el('div', 'muted table-title');
  private _timeline: ITimeline | null = null;
}

function workerRow(): HTMLElement {
  const cells = ['', 'number', 'number', 'number'].map(classes => el('td', classes));
  return el('tr', '', [el('th', '', '', { scope: 'row' }), ...cells]);
}

/** A narrow panel shows some of the columns; the tooltip has them all. */
function tellWhole(row: HTMLElement): void {
  setAttribute(row, 'title', [...row.children].map(cell => cell.textContent).join(' · '));
}

function table(label: string, heads: readonly string[], body: HTMLElement): HTMLElement {
  const numbers = new Set(['tasks', 'busy', 'of the time', 'started', 'took', 'size']);
  const cells = heads.map(head => el('th', numbers.has(head) ? 'number' : '', head, { scope: 'col' }));
  const classes = `table table-of-${heads[0]}s`;
  return el('table', classes, [el('thead', '', [el('tr', '', cells)]), body], { 'aria-label': label });
}
