/**
 * Colours for canvases, read from the page, and word of when they change.
 *
 * JupyterLab's own variables lead (`--jp-...`); elsewhere the style sheet's fallbacks hold, for which this
 * module finds out whether the page is light or dark.
 */

import { setAttribute } from './dom';
import { OBJECT_STATES, TASK_STATES } from '../model/states';

export interface IStateColours {
  readonly fill: string;
  /** Colour of the icon upon the fill. */
  readonly mark: string;
}

export interface IPalette {
  readonly dark: boolean;
  readonly surface: string;
  readonly raised: string;
  readonly border: string;
  readonly text: string;
  readonly muted: string;
  readonly edge: string;
  readonly accent: string;
  readonly font: string;
  /** By the state's number. */
  readonly tasks: readonly IStateColours[];
  readonly objects: Readonly<Record<string, IStateColours>>;
}

/** Reads the palette in force at `root`. */
export function readPalette(root: HTMLElement): IPalette {
  const style = getComputedStyle(root);
  const read = (name: string): string => style.getPropertyValue(`--gnomon-${name}`).trim() || '#888';
  const state = (name: string): IStateColours => ({ fill: read(name), mark: read(`${name}-mark`) });
  return {
    dark: root.dataset.theme === 'dark',
    surface: read('surface'),
    raised: read('raised'),
    border: read('border'),
    text: read('text'),
    muted: read('muted'),
    edge: read('edge'),
    accent: read('accent'),
    font: style.fontFamily || 'sans-serif',
    tasks: TASK_STATES.map(state),
    objects: Object.fromEntries(OBJECT_STATES.map(name => [name, state(name)]))
  };
}

/** Whether the page is dark, by JupyterLab's variables, else by VS Code's or Colab's marks, else by its background. */
export function pageIsDark(): boolean {
  const { body } = document;
  if (body.dataset.jpThemeLight) {
    return body.dataset.jpThemeLight === 'false';
  }
  if (body.classList.contains('vscode-dark') || document.documentElement.getAttribute('theme') === 'dark') {
    return true;
  }
  const channels =
    getComputedStyle(body)
      .backgroundColor.match(/[\d.]+/g)
      ?.map(Number) ?? [];
  if (channels.length === 3 || (channels.length === 4 && channels[3] > 0.5)) {
    return 0.299 * channels[0] + 0.587 * channels[1] + 0.114 * channels[2] < 110;
  }
  return false;
}

/** Marks `root` with the theme and calls back when it may be another one. Returns a function that stops it. */
export function followTheme(root: HTMLElement, changed: () => void): () => void {
  const mark = (): void => setAttribute(root, 'data-theme', pageIsDark() ? 'dark' : 'light');
  // a new theme's style sheet may load after the attribute has changed: read once more in the next frame
  let frame = 0;
  const follow = (): void => {
    mark();
    changed();
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => {
      mark();
      changed();
    });
  };
  mark();
  const observer = new MutationObserver(follow);
  const options = {
    attributes: true,
    attributeFilter: ['class', 'theme', 'data-jp-theme-light', 'data-jp-theme-name']
  };
  observer.observe(document.body, options);
  observer.observe(document.documentElement, options);
  // scripts come and go there all the time
  const sheets = new MutationObserver(records => records.some(changesStyle) && follow());
  sheets.observe(document.head, { childList: true });
  return () => {
    cancelAnimationFrame(frame);
    observer.disconnect();
    sheets.disconnect();
  };
}

function changesStyle({ addedNodes, removedNodes }: MutationRecord): boolean {
  return [...addedNodes, ...removedNodes].some(node => /^(STYLE|LINK)$/.test(node.nodeName));
}

/** Whether the user asked for less motion. */
export function prefersLessMotion(): boolean {
  return window.matchMedia('(prefers-reduced-motion: reduce)').matches;
}
