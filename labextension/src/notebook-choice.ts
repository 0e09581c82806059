/** Which notebook a view shows: the one in front, or one to which it is pinned, open or not. */

import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

/** A choice of notebook. Made with a path it is pinned to the notebook there; with '' it follows. */
export class NotebookChoice {
  constructor(
    private readonly _tracker: INotebookTracker,
    private _path = ''
  ) {
    _tracker.currentChanged.connect(this._look, this);
    _tracker.widgetAdded.connect(this._look, this);
    this._look();
  }

  /** The notebook, if it is open. */
  get notebook(): NotebookPanel | null {
    return this._notebook;
  }

  /** Path of the notebook to which this is pinned; '' while it follows the one in front. */
  get path(): string {
    return this._path;
  }

  /** There is another notebook, or the same one has another name or pin. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Stays with the notebook shown now. */
  pin(): void {
    if (this._notebook) {
      this._path = this._notebook.context.path;
      this._changed.emit();
    }
  }

  /** Follows the notebook in front, from now on. */
  follow(): void {
    this._path = '';
    this._look();
    this._changed.emit();
  }

  /** Tells nobody of anything any more. */
  dispose(): void {
    Signal.clearData(this);
  }

  private _look(): void {
    const found =
      this._path === ''
        ? this._tracker.currentWidget
        : this._tracker.find(notebook => notebook.context.path === this._path);
    this._take(found ?? null);
  }

  private _take(notebook: NotebookPanel | null): void {
    if (notebook === this._notebook) {
      return;
    }
    this._notebook?.context.pathChanged.disconnect(this._renamed, this);
    this._notebook?.disposed.disconnect(this._closed, this);
    this._notebook = notebook;
    notebook?.context.pathChanged.connect(this._renamed, this);
    notebook?.disposed.connect(this._closed, this);
    this._changed.emit();
  }

  private _closed(): void {
    this._take(null);
  }

  private _renamed(_: unknown, path: string): void {
    if (this._path !== '') {
      this._path = path;
    }
    this._changed.emit();
  }

  private readonly _changed = new Signal<this, void>(this);
  private _notebook: NotebookPanel | null = null;
}
