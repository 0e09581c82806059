/** A meter: how much of something is in use, as a bar and in words. */

import { el, setAttribute, setText } from './dom';
import { formatBytes } from './format';

export interface IMeter {
  readonly key: string;
  readonly label: string;
  readonly used: number;
  /** 0 if there is no limit. */
  readonly capacity: number;
  /** "2 of 4". */
  readonly figures: string;
  readonly note: string;
  /** Warns where it is nearly full. Of CPUs it is good to use all. */
  readonly warns: boolean;
}

/** A meter for bytes in a store. */
export function storeMeter(key: string, label: string, used: number, capacity: number, note: string): IMeter {
  const figures = capacity > 0 ? `${formatBytes(used)} of ${formatBytes(capacity)}` : formatBytes(used);
  return { key, label, used, capacity, figures, note, warns: true };
}

/** An empty meter. */
export function makeMeter(): HTMLElement {
  const text = el('div', 'meter-text', [el('strong'), el('span', 'meter-figures'), el('span', 'muted meter-note')]);
  return el('div', 'meter', [
    text,
    el('div', 'meter-bar', [el('div', 'meter-fill')], { role: 'meter', 'aria-valuemin': '0' })
  ]);
}

/** Shows how things are now. */
export function fillMeter(element: HTMLElement, meter: IMeter): void {
  const [text, bar] = element.children;
  const share = meter.capacity > 0 ? Math.min(1, meter.used / meter.capacity) : 0;
  setText(text.children[0], meter.label);
  setText(text.children[1], meter.figures);
  setText(text.children[2], meter.note);
  setAttribute(bar, 'aria-label', `${meter.label} in use`);
  setAttribute(bar, 'aria-valuemax', String(Math.max(meter.capacity, meter.used)));
  setAttribute(bar, 'aria-valuenow', String(meter.used));
  setAttribute(bar, 'aria-valuetext', meter.figures);
  const fill = bar.firstElementChild as HTMLElement;
  // something in use is seen, however large the whole
  fill.style.width = meter.used > 0 ? `max(3px, ${(share * 100).toFixed(2)}%)` : '0';
  const level = !meter.warns || share < 0.8 ? 'normal' : share < 0.95 ? 'high' : 'full';
  setAttribute(fill, 'data-level', level);
}
