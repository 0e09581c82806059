/**
 * A link to the cell in which something began.
 *
 * A view knows the id of a cell, not where the cell is: the page around does. So a click is an event that bubbles up
 * the page, and whoever can show the cell takes it: in JupyterLab and Notebook 7 the extension (`reveal.ts`). Where
 * nobody does, the link says so, and how to find the cell.
 */

import { el, setAttribute, setHidden, setText } from './dom';
import type { ICell } from '../model/wire';

/** Type of the event; its detail is an {@link ICellRequest}. Who takes it prevents its default. */
export const REVEAL_EVENT = 'gnomon-reveal-cell';

/** A cell that somebody wants to see. */
export interface ICellRequest {
  /** The front end's id of the cell. */
  readonly cell: string;
  /** As people call it: "In [3]". */
  readonly label: string;
  /** From 1; 0 where it is not known. */
  readonly line: number;
  /** Says why it can not be shown. */
  readonly refuse: (reason: string) => void;
}

/** Asks the page around an element for a cell; where nobody can show it, says how to find it. */
export function revealCell(from: Element, detail: ICellRequest): void {
  const event = new CustomEvent(REVEAL_EVENT, { bubbles: true, cancelable: true, composed: true, detail });
  if (from.dispatchEvent(event)) {
    const { label, refuse } = detail;
    refuse(`Views can not scroll this page: look for ${label.replace(/^In /, '')} left of a cell.`);
  }
}

/** "In [3], line 2"; '' for what no cell has begun. */
export function placeText(cell: ICell | undefined, line: number): string {
  const parts = [cell?.label ?? '', line > 0 ? `line ${line}` : ''];
  return parts.filter(part => part !== '').join(', ');
}

/** In a page without a notebook, as that of a report, a cell is only named: what looks like a link would lead nowhere. */
let named = false;

/** From now on cells are named on this page, not linked. Called before anything is shown. */
export function nameCellsOnly(): void {
  named = true;
}

/** A link that is there to stay: {@link CellLink.show} says where it leads. */
export class CellLink {
  readonly node: HTMLElement = named
    ? el('span', 'cell-name')
    : el('button', 'link cell-link', '', { type: 'button', title: 'Go to this cell' });

  /** `refused` is told why a cell could not be shown. */
  constructor(private readonly _refused: (reason: string) => void) {
    if (!named) {
      this.node.addEventListener('click', () => this._ask());
    }
  }

  /** Leads to a line of a cell; hidden where there is none. */
  show(cell: ICell | undefined, line: number): void {
    this._cell = cell;
    this._line = line;
    const text = placeText(cell, line);
    setText(this.node, text);
    // two runs of a cell look alike in words, not here: equal elements must lead to the same place
    setAttribute(this.node, 'data-cell', cell?.id ?? '');
    setHidden(this.node, text === '');
    this.node.toggleAttribute('disabled', !named && !cell?.id);
  }

  private _ask(): void {
    const { id: cell = '', label = '' } = this._cell ?? {};
    revealCell(this.node, { cell, label, line: this._line, refuse: this._refused });
  }

  private _cell: ICell | undefined;
  private _line = 0;
}

/** A link for an element that is made anew each time. */
export function cellLink(cell: ICell, line: number, refused: (reason: string) => void): HTMLElement {
  const link = new CellLink(refused);
  link.show(cell, line);
  return link.node;
}
