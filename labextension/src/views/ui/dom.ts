/** Small helpers to build the page: elements, icons, texts that change rarely. */

import { FILLED_ICONS, ICON_PATHS } from '../model/states';

const SVG = 'http://www.w3.org/2000/svg';

type Attributes = Readonly<Record<string, string>>;

/** Creates an element with CSS classes `jp-gnomon-<name>` for each name in `classes`. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  classes = '',
  content: string | readonly Node[] = [],
  attributes: Attributes = {}
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  element.className = classNames(classes);
  if (typeof content === 'string') {
    element.textContent = content;
  } else {
    element.append(...content);
  }
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, value);
  }
  return element;
}

/** "box tall" becomes "jp-gnomon-box jp-gnomon-tall". */
export function classNames(names: string): string {
  return names
    .split(' ')
    .filter(name => name !== '')
    .map(name => `jp-gnomon-${name}`)
    .join(' ');
}

/** The icon of a state; its colour is the state's. Hidden from screen readers: a word always stands beside it. */
export function stateIcon(state: string): SVGSVGElement {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('aria-hidden', 'true');
  svg.setAttribute('class', `jp-gnomon-icon jp-gnomon-is-${state}`);
  const square = state === 'failed' || state === 'error' || state === 'dead';
  const disc = document.createElementNS(SVG, square ? 'rect' : 'circle');
  const shape: Attributes = square
    ? { x: '1.2', y: '1.2', width: '13.6', height: '13.6', rx: '4' }
    : { cx: '8', cy: '8', r: '7' };
  Object.entries(shape).forEach(([name, value]) => disc.setAttribute(name, value));
  disc.setAttribute('class', 'jp-gnomon-icon-disc');
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', (ICON_PATHS as Record<string, string>)[state] ?? ICON_PATHS.pending);
  path.setAttribute('class', `jp-gnomon-icon-mark${FILLED_ICONS.has(state) ? ' jp-gnomon-icon-filled' : ''}`);
  svg.append(disc, path);
  return svg;
}

/** The mark of the project: the hand of a sundial and its shadow. */
export function logo(): SVGSVGElement {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('aria-hidden', 'true');
  svg.setAttribute('class', 'jp-gnomon-logo');
  for (const [d, name] of [
    ['M1.2 12.6a6.8 6.8 0 0 1 13.6 0', 'dial'],
    ['M8 12.6V3.4l-4.2 9.2z', 'hand'],
    ['M8 12.6l5.2-3.2', 'shadow']
  ]) {
    const path = document.createElementNS(SVG, 'path');
    path.setAttribute('d', d);
    path.setAttribute('class', `jp-gnomon-logo-${name}`);
    svg.append(path);
  }
  return svg;
}

/** Sets text only when it differs: screen readers and layout stay quiet otherwise. A text that is there is changed in place. */
export function setText(element: Element, text: string): void {
  const { firstChild: first } = element;
  if (first === null || first !== element.lastChild || first.nodeType !== Node.TEXT_NODE) {
    if (element.textContent !== text) {
      element.textContent = text;
    }
  } else if (first.nodeValue !== text) {
    first.nodeValue = text;
  }
}

/** Sets an attribute only when it differs. */
export function setAttribute(element: Element, name: string, value: string): void {
  if (element.getAttribute(name) !== value) {
    element.setAttribute(name, value);
  }
}

/** Hides or shows only what is not yet so: who is hidden once more has its style computed anew. */
export function setHidden(element: HTMLElement, hidden: boolean): void {
  if (element.hidden !== hidden) {
    element.hidden = hidden;
  }
}

/**
 * Makes the children of `element` those of `wanted`, but leaves those that are equal already: a button that is
 * replaced between press and release misses the click, and one that has the focus loses it.
 */
export function keepEqual(element: Element, wanted: readonly Element[]): void {
  wanted.forEach((fresh, i) => {
    const old = element.children[i];
    if (!old) {
      element.append(fresh);
    } else if (old.tagName === 'DL' && fresh.tagName === 'DL') {
      keepEqual(old, [...fresh.children]);
    } else if (!old.isEqualNode(fresh)) {
      old.replaceWith(fresh);
    }
  });
  while (element.children.length > wanted.length) {
    element.lastElementChild!.remove();
  }
}

/**
 * Keeps a list of elements in step with a list of rows: one element a key, made once, updated in place.
 * Scroll position, focus and hover survive.
 */
export class KeyedList<Row> {
  constructor(
    private readonly _parent: HTMLElement,
    private readonly _make: (row: Row) => HTMLElement,
    private readonly _update: (element: HTMLElement, row: Row) => void,
    /** What has gone is used again for what has come: where rows come and go in dozens. `_update` must then set all of it. */
    private readonly _reuses = false
  ) {}

  /** Shows the rows in their order. */
  show(rows: readonly (readonly [key: string, row: Row])[]): void {
    const spare = this._takeOut(rows);
    let next = this._parent.firstElementChild;
    for (const [key, row] of rows) {
      let element = this._elements.get(key);
      if (!element) {
        element = spare.shift() ?? this._make(row);
        this._elements.set(key, element);
      }
      this._update(element, row);
      if (element === next) {
        next = next.nextElementSibling;
      } else {
        this._parent.insertBefore(element, next);
      }
    }
  }

  /** Takes out the elements that nobody wants any more. Returns, still in their places, those to be used again. */
  private _takeOut(rows: readonly (readonly [key: string, row: Row])[]): HTMLElement[] {
    const wanted = new Set(rows.map(([key]) => key));
    let fresh = rows.reduce((count, [key]) => count + (this._elements.has(key) ? 0 : 1), 0);
    const spare: HTMLElement[] = [];
    for (const [key, element] of this._elements) {
      if (!wanted.has(key)) {
        this._elements.delete(key);
        // who has the focus would be on something else without having moved
        if (this._reuses && fresh > 0 && !element.contains(document.activeElement)) {
          fresh -= 1;
          spare.push(element);
        } else {
          element.remove();
        }
      }
    }
    return spare;
  }

  private readonly _elements = new Map<string, HTMLElement>();
}
