/** What every view is given, and what every view gives back. */

import type { Feed } from './model/feed';
import type { Filter } from './model/filter';
import type { Frames } from './ui/frames';
import type { Model } from './model/model';
import type { IPalette } from './ui/theme';

/** What a view may know of the app around it. */
export interface IViewContext {
  readonly feed: Feed;
  /** What all views show. Read it; change it through {@link IViewContext.filterBy}. */
  readonly filter: Filter;
  /** The model with only the tasks that pass the filter. */
  model(): Model;
  /** Changes the filter, and with it all views. */
  filterBy(change: { readonly cell?: string | null; readonly func?: string | null }): void;
  /** The colours in force now. */
  palette(): IPalette;
  /** Tells a canvas how often it may be drawn. */
  pace(frames: Frames): void;
}

/** One view: a piece of the page that shows a part of the model. */
export interface IView {
  readonly node: HTMLElement;
  /** The model has changed. Called at most once a frame, and only while the view can be seen. */
  update(): void;
  /** The colours have changed. */
  restyle(): void;
  dispose(): void;
}
