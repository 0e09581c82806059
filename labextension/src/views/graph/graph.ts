/**
 * The graph view: every task as a mark while they are few, functions as boxes when they are many, or a table.
 *
 * This class chooses the picture and handles choices of the user; `task-scene.ts` and `box-scene.ts` draw.
 */

import { BoxScene } from './box-scene';
import { Chosen } from '../model/chosen';
import type { IView, IViewContext } from '../context';
import { DetailCard } from '../ui/detail';
import { el, setAttribute, setHidden, setText } from '../ui/dom';
import { emptyNote } from '../ui/empty-note';
import { UNLISTED_HELP } from '../ui/format';
import type { Mode } from './graph-modes';
import { MODES, MODE_TITLES } from './graph-modes';
import { drawnTasks } from './drawn-tasks';
import { graphNote, NO_TASKS, sayWhyNone } from './graph-note';
import { GraphKey } from './graph-key';
import { GroupTable } from './group-table';
import { Layers } from './layers';
import { PathToggle } from './path-toggle';
import { segments } from '../ui/segments';
import type { IPoint, IScene, IStageHost } from './stage';
import { fullScale, Stage } from './stage';
import { attemptWords, describeTasks, TASK_STATES } from '../model/states';
import { TaskScene } from './task-scene';

/** Up to here every task is drawn by itself: beyond, the picture says nothing any more. */
const AUTO_TASKS_MAX = 150;
const AUTO_WIDEST_MAX = 40;

/** The graph view. */
export class GraphView implements IView, IStageHost {
  readonly node: HTMLElement;

  constructor(private readonly _context: IViewContext) {
    this._stage = new Stage(this);
    this._tasks = new TaskScene(
      _context,
      this._layers,
      () => drawnTasks(_context, this._around.task),
      () => this._stage.invalidate()
    );
    this._boxes = new BoxScene(_context);
    this._table = new GroupTable(_context, func => this._detail.show({ func }));
    this._detail = new DetailCard(_context, {
      select: task => this._select(task),
      focus: task => this._focus(task),
      close: () => this._deselect()
    });
    this._back.addEventListener('click', () => this._focus(-1));
    this._back.hidden = true;
    this._path = new PathToggle(_context, () => this.update());
    const bar = el('div', 'toolbar', [this._modes(), this._path.node, this._key.button, this._back, this._note]);
    const parts = [this._stage.node, this._table.node, this._empty, this._tip, this._key.node, this._detail.node];
    this.node = el('div', 'view graph', [bar, el('div', 'graph-place', parts)], {
      role: 'group',
      'aria-label': 'task graph'
    });
    this._tip.hidden = true;
    this.update();
  }

  scene(): IScene | null {
    if (this._mode === 'table') {
      return null;
    }
    return this._single() ? this._tasks : this._boxes;
  }

  update(): void {
    const { model } = this._context.feed;
    if (model.session !== this._session) {
      this._session = model.session;
      this._around.choose(model, -1);
      this._deselect();
      this._stage.cut();
    }
    this._tasks.selected = this._choice.follow(model);
    this._detail.around = this._around.follow(model);
    this._layers.sync(model);
    setAttribute(this._stage.canvas, 'aria-label', describeTasks(this._context.model().totals()));
    const none = this._context.model().tasksTotal === 0;
    setHidden(this._empty, !none);
    if (none) {
      sayWhyNone(this._empty, this._context);
    }
    setHidden(this._stage.node, this._mode === 'table');
    this._stage.node.classList.toggle('jp-gnomon-blank', none);
    setHidden(this._table.node, this._mode !== 'table');
    setHidden(this._back, this._around.task < 0);
    this._tasks.path = this._boxes.path = this._path.marked();
    const note = this._tasks.path?.words ?? graphNote(this._context, this._mode, this._around.task);
    setText(this._note, note);
    setAttribute(this._note, 'title', model.unlisted > 0 ? `${note}. ${UNLISTED_HELP}` : note);
    this._detail.update();
    if (this._mode === 'table') {
      this._table.update();
      return;
    }
    const scene = this.scene();
    const { key } = this._context.filter;
    if (scene !== this._sceneShown || key !== this._filterShown) {
      this._sceneShown = scene;
      this._filterShown = key;
      this._stage.cut();
    }
    this._arrange();
    this._context.pace(this._stage.frames);
    this._stage.jumps = this._context.feed.rush;
    this._stage.invalidate();
  }

  restyle(): void {
    this._stage.invalidate();
  }

  dispose(): void {
    this._stage.dispose();
    this._tasks.dispose();
    this._detail.dispose();
  }

  resized(): void {
    this._arrange();
  }

  hover(point: IPoint | null): void {
    let text = '';
    if (this._single()) {
      const task = point ? this._tasks.hit(point) : -1;
      this._tasks.hovered = task;
      text = task >= 0 ? this._taskTitle(task) : '';
    } else {
      const hit = point ? this._boxes.hit(point) : null;
      this._boxes.hovered = hit?.func ?? -1;
      text = hit ? (hit.task >= 0 ? this._taskTitle(hit.task) : this._boxes.title(hit.func)) : '';
    }
    this._stage.canvas.style.cursor = text === '' ? 'default' : 'pointer';
    this._tip.hidden = text === '';
    setText(this._tip, text);
    this._stage.invalidate();
  }

  click(point: IPoint, place: IPoint): void {
    this._keepClear(place);
    if (this._single()) {
      const task = this._tasks.hit(point);
      if (task >= 0) {
        this._select(task);
      } else {
        this._deselect();
      }
      return;
    }
    const hit = this._boxes.hit(point);
    if (!hit) {
      this._deselect();
    } else if (hit.task >= 0) {
      this._focus(hit.task);
    } else {
      this._boxes.selected = hit.func;
      this._detail.show({ func: hit.func });
      this._stage.invalidate();
    }
  }

  key(key: string): boolean {
    if (key === 'Escape') {
      if (this._tasks.selected < 0 && this._boxes.selected < 0) {
        this._focus(-1);
      }
      this._deselect();
      return true;
    }
    if (key === 'n' || key === 'p') {
      const ids = drawnTasks(this._context, this._around.task);
      const step = key === 'n' ? 1 : -1;
      const at = ids.indexOf(this._tasks.selected);
      const next = ids[at < 0 ? (step > 0 ? 0 : ids.length - 1) : (at + step + ids.length) % ids.length];
      if (next !== undefined) {
        this._select(next);
      }
      return true;
    }
    if (key === 'Enter' && this._tasks.selected >= 0) {
      this._focus(this._tasks.selected);
      return true;
    }
    return false;
  }

  private _single(): boolean {
    const total = this._context.model().tasksTotal;
    const few = total <= AUTO_TASKS_MAX && Math.min(total, this._layers.widest) <= AUTO_WIDEST_MAX;
    return this._around.task >= 0 || this._mode === 'tasks' || (this._mode === 'auto' && few && this._fits());
  }

  /** Whether the picture of single tasks can be read where it has to fit: a long chain can not. */
  private _fits(): boolean {
    const space = { width: this._stage.width, height: this._stage.height };
    this._tasks.update(space);
    return space.width * space.height === 0 || fullScale(space, this._tasks) >= this._tasks.scaleMin;
  }

  private _arrange(): void {
    const space = { width: this._stage.width, height: this._stage.height };
    if (space.width === 0 || space.height === 0) {
      return;
    }
    if (this._single()) {
      this._tasks.update(space);
    } else {
      this._boxes.update(space);
    }
  }

  private _select(task: number): void {
    const { model } = this._context.feed;
    this._choice.choose(model, task);
    this._tasks.selected = task;
    this._boxes.selected = model.tasks.func[task];
    this._detail.show({ task });
    this._stage.invalidate();
  }

  /** The card lies upon the graph: put it where the clicked thing is not. */
  private _keepClear({ x, y }: IPoint): void {
    this._detail.node.classList.toggle('jp-gnomon-at-start', x > this._stage.width / 2);
    this._detail.node.classList.toggle('jp-gnomon-at-top', y > this._stage.height / 2);
  }

  private _deselect(): void {
    this._choice.choose(this._context.feed.model, -1);
    this._tasks.selected = this._boxes.selected = -1;
    this._detail.show(null);
    this._stage.invalidate();
  }

  /** Shows the tasks around one, or all of them again (-1). */
  private _focus(task: number): void {
    this._around.choose(this._context.feed.model, task);
    this._detail.around = task;
    this._stage.cut();
    if (task >= 0) {
      this._select(task);
    } else {
      this._deselect();
    }
    this.update();
  }

  private _taskTitle(task: number): string {
    const { model } = this._context.feed;
    const again = attemptWords(model.tasks.attempt[task]);
    return `${model.titleOf(task)} · ${TASK_STATES[model.tasks.state[task]]}${again}`;
  }

  private _modes(): HTMLElement {
    return segments(
      MODES,
      this._mode,
      'picture',
      mode => {
        this._mode = mode;
        this._around.choose(this._context.feed.model, -1);
        this._stage.cut();
        this.update();
      },
      MODE_TITLES
    );
  }

  private readonly _layers = new Layers();
  private readonly _stage: Stage;
  private readonly _tasks: TaskScene;
  private readonly _boxes: BoxScene;
  private readonly _table: GroupTable;
  private readonly _detail: DetailCard;
  private readonly _path: PathToggle;
  private readonly _key = new GraphKey();
  private readonly _note = el('span', 'note');
  private readonly _back = el('button', 'link', '← all tasks', { type: 'button' });
  private readonly _tip = el('div', 'tip', '', { 'aria-hidden': 'true' });
  private readonly _empty = emptyNote(...NO_TASKS);
  private _mode: Mode = 'auto';
  /** The task whose card is shown, and that whose neighbours are. */
  private readonly _choice = new Chosen();
  private readonly _around = new Chosen();
  private _session = '';
  private _sceneShown: IScene | null = null;
  private _filterShown = '';
}
