/**
 * The card beside the graph: one task, or one function.
 *
 * What the feed has told is shown at once; what the kernel adds when asked appears when it comes, if it comes.
 */

import { attemptFacts } from '../model/attempts';
import { Chosen, finder } from '../model/chosen';
import { CardKeys } from './card-keys';
import { cellLink, placeText } from './cell-link';
import { durationOf, durationsOf } from '../model/durations';
import type { IViewContext } from '../context';
import { el, keepEqual, setHidden, stateIcon } from './dom';
import type { IFault } from '../nodes/fault-buttons';
import { FaultButtons } from '../nodes/fault-buttons';
import { nodeFaults, workerFault } from '../nodes/fault-lab';
import type { INote, ITaskDetail } from '../model/feed';
import { formatCount, formatDuration, plural } from './format';
import type { Model } from '../model/model';
import { workerName } from '../model/node-rows';
import { TaskState, TASK_STATE_MEANING, TASK_STATES } from '../model/states';
import { groupTotal } from '../graph/waffle';

export type Subject = { readonly task: number } | { readonly func: number } | null;

export interface IDetailActions {
  /** Show a task's card. */
  select(task: number): void;
  /** Show the tasks around one; absent where there is no such picture. */
  focus?(task: number): void;
  close(): void;
}

type Fact = readonly [term: string, value: string | Node];

const LISTED_AT_MOST = 5;
const GONE = ['This task is no longer listed', 'it has ended, and left the list for a newer one'] as const;

/** The card. Empty and hidden while nothing is chosen. */
export class DetailCard {
  readonly node = el('div', 'detail', [], { role: 'group', 'aria-live': 'polite', 'aria-label': 'details' });

  /** The task whose neighbourhood is on show, or -1. */
  around = -1;

  constructor(
    private readonly _context: IViewContext,
    private readonly _actions: IDetailActions
  ) {
    this.node.hidden = true;
    this._faults = new FaultButtons(_context.feed);
    this._keys = new CardKeys(this.node, () => _actions.close());
    this.node.append(this._body, this._faults.node);
    this._stops = [
      _context.feed.onDetail(detail => this._answered(detail)),
      _context.feed.onNote(note => this._noted(note))
    ];
  }

  /** Shows a task, a function, or nothing. */
  show(subject: Subject): void {
    if (subject) {
      this._keys.opening();
    } else {
      this._keys.closing();
    }
    this._subject = subject;
    this._chosen.choose(this._context.feed.model, subject && 'task' in subject ? subject.task : -1);
    this._answer = null;
    this._note = '';
    this._shown = '';
    this.update();
    if (this._chosen.number >= 0) {
      this._context.feed.askDetail(this._chosen.number);
    }
  }

  update(): void {
    const { model } = this._context.feed;
    const subject = this._chosen.number >= 0 ? { task: this._chosen.follow(model) } : this._subject;
    setHidden(this.node, subject === null);
    if (!subject) {
      return;
    }
    const fresh = 'task' in subject ? this._taskKey(model, subject.task) : `${model.version}`;
    if (fresh === this._shown) {
      return;
    }
    this._shown = fresh;
    const [head, ...rest] = 'task' in subject ? this._task(model, subject.task) : this._function(model, subject.func);
    keepEqual(this._body, [head, ...rest]);
    this._faults.show('task' in subject && this._context.feed.canAct ? this._faultsOf(model, subject.task) : []);
  }

  dispose(): void {
    this._stops.forEach(stop => stop());
    this._faults.dispose();
  }

  /** What of the place where a task runs, or has run last, can be broken. */
  private _faultsOf(model: Model, task: number): IFault[] {
    const worker = model.tasks.has(task) ? model.workers[model.tasks.worker[task]] : undefined;
    if (!worker || worker.pid <= 0) {
      return [];
    }
    const node = model.nodes.get(model.nodeOf(worker));
    const running = model.tasks.state[task] === TaskState.running;
    const several = [...model.nodes.values()].filter(each => each.alive).length > 1;
    const found = running && node?.alive !== false ? [workerFault(model, worker.pid)] : [];
    return node && several ? [...found, ...nodeFaults(model, node)] : found;
  }

  /** What makes a task's card look different; a running task's card changes every half second. */
  private _taskKey(model: Model, task: number): string {
    const { tasks } = model;
    const moving = tasks.state[task] <= TaskState.running ? `${Math.floor(model.time * 2)}/${model.version}` : '';
    const earlier = model.attempts.get(task)?.length ?? 0;
    return `${model.epoch}/${task}/${tasks.state[task]}/${earlier}/${moving}/${this._answer ? 1 : 0}/${this._note}`;
  }

  private _noted({ about, text }: INote): void {
    if (about === `task ${this._chosen.number}`) {
      this._note = text;
      this.update();
    }
  }

  private _answered(detail: ITaskDetail): void {
    if (this._chosen.number === detail.id) {
      this._answer = detail;
      this.update();
    }
  }

  private _head(icon: Node | null, title: string, note: string, actions: readonly Node[]): HTMLElement {
    const close = el('button', 'close', '×', { type: 'button', 'aria-label': 'Close the details', title: 'Close' });
    close.addEventListener('click', () => this._actions.close());
    const words = [el('strong', 'detail-title', title), el('span', 'muted', note)];
    return el('div', 'detail-head', [...(icon ? [icon] : []), ...words, ...actions, close]);
  }

  private _task(model: Model, task: number): HTMLElement[] {
    const { tasks } = model;
    if (!tasks.has(task)) {
      return [
        model.past ? this._head(null, 'Not yet', 'this task was submitted later', []) : this._head(null, ...GONE, [])
      ];
    }
    const state = TASK_STATES[tasks.state[task]];
    const around = el('button', 'link', 'show neighbours', { type: 'button' });
    const place = finder(this._context.feed, task);
    around.addEventListener('click', () => this._actions.focus?.(place()));
    const can = this._actions.focus !== undefined && task !== this.around;
    const actions: Node[] = can ? [around] : [];
    if (tasks.state[task] <= TaskState.running && this._context.feed.canAct) {
      actions.push(this._cancelButton(task));
    }
    const title = model.titleOf(task);
    const parts = [
      this._head(stateIcon(state), title, TASK_STATE_MEANING[state], actions),
      facts(this._taskFacts(model, task))
    ];
    if (this._note !== '') {
      parts.push(el('p', 'muted detail-note', this._note));
    }
    const error = (!model.past && this._answer?.error) || model.errors.get(task);
    if (error) {
      parts.push(el('pre', 'error-text', error));
    }
    return parts;
  }

  private _cancelButton(task: number): HTMLElement {
    const cancel = el('button', 'link danger', 'cancel', {
      type: 'button',
      title: 'Cancel this task and what it has submitted; a running one is interrupted'
    });
    const number = this._context.feed.model.tasks.number[task];
    cancel.addEventListener('click', () => this._context.feed.cancel(number));
    return cancel;
  }

  private _taskFacts(model: Model, task: number): Fact[] {
    const { tasks } = model;
    const list: Fact[] = [];
    const cell = model.cells[tasks.cell[task]];
    const line = tasks.line[task];
    if (cell?.id) {
      const refused = (text: string): void => {
        this._note = text;
        this.update();
      };
      list.push(['submitted in', cellLink(cell, line, refused)]);
    } else if (line > 0) {
      list.push(['submitted in', placeText(cell, line)]);
    }
    if (tasks.parent[task] >= 0) {
      list.push(['by task', this._links(model, [tasks.parent[task]])]);
    }
    const worker = model.workers[tasks.worker[task]];
    if (worker) {
      list.push(['on', workerName(model, worker)]);
    }
    const duration = this._duration(model, task);
    if (duration) {
      list.push(duration);
    }
    const { waited_s: waited } = (model.past ? null : this._answer) ?? {};
    if (waited !== undefined && tasks.start[task] > 0) {
      list.push(['waited', formatDuration(waited)]);
    }
    list.push(...attemptFacts(model, task, LISTED_AT_MOST));
    const deps = [...new Set(tasks.depsOf(task))].filter(dep => dep >= 0 && dep < tasks.length);
    const missing = deps.filter(dep => tasks.state[dep] < TaskState.done);
    if (tasks.state[task] === TaskState.waiting && missing.length > 0) {
      list.push(['waits for', this._links(model, missing)]);
    } else if (deps.length > 0) {
      list.push(['takes', this._links(model, deps)]);
    }
    return list;
  }

  private _duration(model: Model, task: number): Fact | null {
    const { tasks } = model;
    const [created, start, end] = [tasks.created[task], tasks.start[task], tasks.end[task]];
    if (start > 0 && end >= start) {
      return ['ran for', formatDuration(end - start)];
    }
    if (start > 0 && tasks.state[task] === TaskState.running) {
      return ['running for', formatDuration(this._context.feed.now() - start)];
    }
    return created > 0 && tasks.state[task] < TaskState.running
      ? ['waiting for', formatDuration(this._context.feed.now() - created)]
      : null;
  }

  private _links(model: Model, tasks: readonly number[]): HTMLElement {
    const parts: Node[] = [];
    for (const task of tasks.slice(0, LISTED_AT_MOST)) {
      const name = model.titleOf(task);
      const link = el(
        'button',
        'link',
        [stateIcon(TASK_STATES[model.tasks.state[task]]), document.createTextNode(name)],
        { type: 'button' }
      );
      const place = finder(this._context.feed, task);
      link.addEventListener('click', () => this._actions.select(place()));
      parts.push(link);
    }
    if (tasks.length > LISTED_AT_MOST) {
      parts.push(el('span', 'muted', `and ${formatCount(tasks.length - LISTED_AT_MOST)} more`));
    }
    return el('span', 'links', parts);
  }

  private _function(model: Model, func: number): HTMLElement[] {
    const total = groupTotal(model, func);
    const counts = model.counts[func] ?? [];
    const unlisted = total - (model.members[func]?.length ?? 0);
    const { slowest } = durationsOf(model, func);
    const list: Fact[] = [
      [
        'tasks',
        TASK_STATES.filter((_, s) => counts[s] > 0)
          .map(name => `${formatCount(counts[TaskState[name]])} ${name}`)
          .join(', ') + (unlisted > 0 ? ` · ${formatCount(unlisted)} not listed` : '')
      ]
    ];
    if (slowest.length > 0) {
      const at = (part: number): string =>
        formatDuration(durationOf(model, slowest[Math.floor((slowest.length - 1) * part)])!);
      list.push(['took', `${at(1)} to ${at(0)}, half of them under ${at(0.5)}`]);
      list.push(['slowest', this._links(model, slowest.slice(0, 3))]);
    }
    const failed = (model.members[func] ?? []).filter(task => model.tasks.state[task] === TaskState.failed);
    if (failed.length > 0) {
      list.push(['failed', this._links(model, failed)]);
    }
    return [this._head(null, model.nameOf(func), plural(total, 'task'), []), facts(list)];
  }

  private _subject: Subject = null;
  private readonly _chosen = new Chosen();
  private _answer: ITaskDetail | null = null;
  private _shown = '';
  private _note = '';
  private readonly _body = el('div');
  private readonly _faults: FaultButtons;
  private readonly _keys: CardKeys;
  private readonly _stops: readonly (() => void)[];
}

function facts(list: readonly Fact[]): HTMLElement {
  const rows = list.flatMap(([term, value]) => [
    el('dt', '', term),
    el('dd', '', typeof value === 'string' ? value : [value])
  ]);
  return el('dl', 'facts', rows);
}
