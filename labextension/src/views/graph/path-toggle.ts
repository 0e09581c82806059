/** The button that shows the critical path, and the path while it is shown. */

import type { IViewContext } from '../context';
import { criticalPath, pathEdges } from './critical-path';
import { el, setAttribute } from '../ui/dom';
import { formatDuration, plural } from '../ui/format';

/** What pictures mark. */
export interface IMarkedPath {
  readonly tasks: ReadonlySet<number>;
  /** "12/15" for two tasks that follow each other. */
  readonly edges: ReadonlySet<string>;
  /** Likewise of functions. */
  readonly flows: ReadonlySet<string>;
  readonly funcs: ReadonlySet<number>;
  /** "critical path: 3 tasks, 1.2 s of 2.0 s". */
  readonly words: string;
}

const TITLE = 'The longest chain of tasks that wait for each other: nothing else can make the whole quicker';

/** Off at first. */
export class PathToggle {
  readonly node = el('button', 'link toggle', 'critical path', {
    type: 'button',
    title: TITLE,
    'aria-pressed': 'false'
  });

  constructor(
    private readonly _context: IViewContext,
    changed: () => void
  ) {
    this.node.addEventListener('click', () => {
      this._on = !this._on;
      setAttribute(this.node, 'aria-pressed', String(this._on));
      changed();
    });
  }

  /** The path as it is now; null while it is not to be shown. */
  marked(): IMarkedPath | null {
    if (!this._on) {
      return null;
    }
    const { model } = this._context.feed;
    const key = `${model.epoch}/${model.version}`;
    if (key !== this._key || this._path === null) {
      this._key = key;
      const path = criticalPath(model, this._context.feed.now());
      const { func } = model.tasks;
      const flows = path.tasks.slice(1).map((task, i) => `${func[path.tasks[i]]}/${func[task]}`);
      const took = `${formatDuration(path.seconds)} of ${formatDuration(path.whole)}`;
      this._path = {
        tasks: new Set(path.tasks),
        edges: pathEdges(path),
        flows: new Set(flows),
        funcs: new Set(path.tasks.map(task => func[task])),
        words:
          path.tasks.length > 0 ? `critical path: ${plural(path.tasks.length, 'task')}, ${took}` : 'nothing has run yet'
      };
    }
    return this._path;
  }

  private _on = false;
  private _key = '';
  private _path: IMarkedPath | null = null;
}
