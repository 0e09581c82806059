/** Which cell and which function the views show: one choice for all of them. Pure. */

import type { Model } from './model';
import type { IObjectRow } from './object-rows';

/** The filter. `null` is "all". */
export class Filter {
  /** Id of the cell. */
  cell: string | null = null;
  /** Name of the function. */
  func: string | null = null;

  get active(): boolean {
    return this.cell !== null || this.func !== null;
  }

  /** Differs where two filters do. */
  get key(): string {
    return this.active ? JSON.stringify([this.cell, this.func]) : '';
  }

  clear(): void {
    this.cell = this.func = null;
  }

  /** Whether a listed task passes. */
  shows(model: Model, task: number): boolean {
    const { tasks } = model;
    return this.showsFunction(model.names[tasks.func[task]]) && this.showsCell(model, tasks.cell[task]);
  }

  /** Whether what comes from the cell with that number passes. */
  showsCell(model: Model, cell: number): boolean {
    return this.cell === null || model.cells[cell]?.id === this.cell;
  }

  /** Whether what a function of that name has made passes. */
  showsFunction(name: string): boolean {
    return this.func === null || name === this.func;
  }

  /** The objects that pass, the largest first. */
  objects(model: Model): IObjectRow[] {
    return model.objectsBySize().filter(row => this.showsFunction(row.producer) && this.showsCell(model, row.cell));
  }

  /** Whether actors of a class pass: all do whose methods do. */
  showsClass(name: string): boolean {
    return this.func === null || this.func === name || this.func.startsWith(`${name}.`);
  }
}
