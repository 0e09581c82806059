/** The nodes view: a card for each node, with what is in use, its store, and what its workers do. */

import type { IView, IViewContext } from '../context';
import { el, KeyedList, setAttribute, setHidden, setText, stateIcon } from '../ui/dom';
import { emptyNote } from '../ui/empty-note';
import { FaultButtons } from './fault-buttons';
import { addNodeFault, nodeFaults, workerFault } from './fault-lab';
import { formatBytes, formatCount, plural } from '../ui/format';
import type { IMeter } from '../ui/meter';
import { fillMeter, makeMeter, storeMeter } from '../ui/meter';
import type { ITraffic, IUse, IWorkerRow } from '../model/node-rows';
import { describeNodes, trafficOf, usesOf, workersByNode } from '../model/node-rows';
import type { INodeRow } from '../model/wire';

const AMOUNTS = new Intl.NumberFormat('en-US', { maximumFractionDigits: 3 });
const NODES = '%remote start --nodes 2';
const CARDS_MAX = 60;
const WORKERS_MAX = 16;
const WORKER_ICONS: Readonly<Record<string, string>> = {
  running: 'running',
  busy: 'ready',
  idle: 'waiting',
  starting: 'restarting'
};

interface ICard {
  readonly node: INodeRow;
  readonly workers: readonly IWorkerRow[];
}

interface IParts {
  readonly faults: FaultButtons;
  readonly traffic: KeyedList<ITraffic>;
  readonly meters: KeyedList<IMeter>;
  readonly workers: KeyedList<IWorkerRow>;
}

/** The nodes view. */
export class NodesView implements IView {
  readonly node: HTMLElement;

  constructor(private readonly _context: IViewContext) {
    this._cards = new KeyedList<ICard>(
      this._list,
      () => this._make(),
      (card, row) => this._fill(card, row)
    );
    this._add = new FaultButtons(_context.feed);
    const parts = [this._heading, this._add.node, this._list, this._more, this._empty];
    this.node = el('div', 'view nodes', parts, { role: 'group' });
    this.update();
  }

  update(): void {
    const { model, canAct } = this._context.feed;
    setAttribute(this.node, 'aria-label', describeNodes(model));
    this.node.classList.toggle('jp-gnomon-past', !canAct);
    const nodes = [...model.nodes.values()].sort((a, b) => Number(b.alive) - Number(a.alive));
    const alive = nodes.filter(node => node.alive).length;
    const dead = nodes.length - alive;
    setText(this._words, [`${alive} alive`, ...(dead > 0 ? [`${dead} dead`] : [])].join(' · '));
    setHidden(this._empty, nodes.length > 0);
    [this._heading, this._list].forEach(part => setHidden(part, nodes.length === 0));
    setHidden(this._more, nodes.length <= CARDS_MAX);
    setText(this._more, `and ${plural(nodes.length - CARDS_MAX, 'more node')}`);
    this._add.show(nodes.length > 0 && canAct ? [addNodeFault(model)] : []);
    const workers = workersByNode(model);
    this._cards.show(nodes.slice(0, CARDS_MAX).map(node => [node.id, { node, workers: workers.get(node.id) ?? [] }]));
    this._faults = this._faults.filter(faults => {
      const kept = this._list.contains(faults.node); // else its card has gone, with its session
      if (!kept) {
        faults.dispose();
      }
      return kept;
    });
  }

  restyle(): void {
    // made of elements only: the style sheet does it
  }

  dispose(): void {
    this._add.dispose();
    this._faults.forEach(faults => faults.dispose());
  }

  private _make(): HTMLElement {
    const head = el('div', 'card-head', [
      stateIcon('pending'),
      el('strong', 'card-class'),
      el('span', 'card-name muted'),
      el('span', 'card-state')
    ]);
    const meters = el('div', 'meter-list');
    const workers = el('ul', 'workers', [], { 'aria-label': 'workers' });
    const faults = new FaultButtons(this._context.feed);
    this._faults.push(faults);
    const traffic = el('ul', 'traffic', [], { 'aria-label': 'copied between nodes' });
    const parts = [head, meters, el('div', 'muted card-figures'), workers, traffic, faults.node];
    const card = el('div', 'card', parts, { role: 'listitem' });
    const { feed } = this._context;
    const kill = (pid: number): void => (feed.canAct ? faults.ask(workerFault(feed.model, pid)) : undefined);
    this._parts.set(card, {
      faults,
      traffic: new KeyedList<ITraffic>(traffic, makeTraffic, fillTraffic),
      meters: new KeyedList<IMeter>(meters, makeMeter, fillMeter),
      workers: new KeyedList<IWorkerRow>(workers, () => makeWorker(kill), fillWorker)
    });
    return card;
  }

  private _fill(card: HTMLElement, { node, workers }: ICard): void {
    const [head, meters, figures, list] = card.children as unknown as HTMLElement[];
    const late = node.alive && (node.late_until ?? 0) > this._context.feed.now();
    const state = node.alive ? (late ? 'late' : 'alive') : 'dead';
    if (card.dataset.state !== state) {
      card.dataset.state = state;
      head.replaceChild(stateIcon(state), head.children[0]);
      setText(head.children[3], state);
    }
    setText(head.children[1], node.label);
    setText(head.children[2], node.alive ? plural(node.workers, 'worker') : '');
    [meters, list].forEach(part => setHidden(part, !node.alive));
    const parts = this._parts.get(card)!;
    parts.meters.show(metersOf(node).map(meter => [meter.key, meter]));
    parts.faults.show(this._context.feed.canAct ? nodeFaults(this._context.feed.model, node) : []);
    parts.workers.show(workers.slice(0, WORKERS_MAX).map(worker => [worker.id, worker]));
    const words = node.alive
      ? [...lateness(node, this._context.feed.now()), ...memory(node), ...identity(node)]
      : death(node);
    if (workers.length > WORKERS_MAX) {
      words.push(`${formatCount(workers.length - WORKERS_MAX)} more workers not shown`);
    }
    parts.traffic.show(trafficOf(this._context.feed.model, node).map(line => [line.key, line]));
    setText(figures, words.join(' · '));
    setHidden(figures, words.length === 0);
  }

  private readonly _words = el('span', 'muted');
  private readonly _heading = el('div', 'view-heading', [el('strong', '', 'Nodes'), this._words]);
  private readonly _list = el('div', 'cards', [], { role: 'list' });
  private readonly _cards: KeyedList<ICard>;
  private readonly _add: FaultButtons;
  private _faults: FaultButtons[] = [];
  private readonly _parts = new WeakMap<HTMLElement, IParts>();
  private readonly _more = el('div', 'muted more');
  private readonly _empty = emptyNote('No nodes yet', 'A session has one, or as many as you like', NODES);
}

function metersOf(node: INodeRow): IMeter[] {
  const spilled = node.store_spilled_bytes ?? 0;
  return [
    ...usesOf(node).map(useMeter),
    storeMeter(
      ':store',
      'Object store',
      node.store_used_bytes,
      node.store_capacity_bytes,
      spilled > 0 ? `${formatBytes(spilled)} on disk` : ''
    )
  ];
}

function useMeter({ name, used, total }: IUse): IMeter {
  const format = name === 'memory' ? formatBytes : plain;
  const figures = `${format(used)} of ${format(total)}`;
  const label = name === 'memory' ? 'memory asked for' : name;
  return { key: name, label, used, capacity: total, figures, note: '', warns: false };
}

/** 2, 0.5, 1,024. */
function plain(value: number): string {
  return AMOUNTS.format(value);
}

/** What is known of its end. */
export function death(node: INodeRow): string[] {
  return [node.reason ? `it died: it ${node.reason}` : 'it has died', 'all that ran and lay there is gone with it'];
}

/** What a fault made on purpose does to it now. */
export function lateness(node: INodeRow, now: number): string[] {
  const left = (node.late_until ?? 0) - now;
  if (left <= 0) {
    return [];
  }
  const by = node.late_by_s ?? 0;
  return [
    by >= left ? 'cut off from the other nodes for a while' : `what it says and hears is ${by} s late for a while`
  ];
}

function memory(node: INodeRow): string[] {
  return node.memory_bytes ? [`its processes take ${formatBytes(node.memory_bytes)}`] : [];
}

/** By which errors, logs and `gnomon.nodes()` may tell of it too. */
function identity(node: INodeRow): string[] {
  return [...(node.pid ? [`pid ${node.pid}`] : []), `id ${node.id}`];
}

function makeTraffic(): HTMLElement {
  const bar = el('i', 'traffic-bar', [], { 'aria-hidden': 'true' });
  return el('li', 'traffic-line', [bar, el('span', '')]);
}

function fillTraffic(element: HTMLElement, { out, bytes, other, share }: ITraffic): void {
  (element.children[0] as HTMLElement).style.width = `${Math.max(2, Math.round(48 * share))}px`;
  setText(element.children[1], `${out ? '→' : '←'} ${formatBytes(bytes)} ${out ? 'to' : 'from'} ${other}`);
}

function makeWorker(kill: (pid: number) => void): HTMLElement {
  const button = el('button', 'link danger', 'kill', { type: 'button' });
  const parts = [stateIcon('waiting'), el('span', 'worker-name'), el('span', 'muted worker-runs'), button];
  const row = el('li', 'worker', parts);
  button.addEventListener('click', () => kill(Number(row.dataset.pid)));
  return row;
}

function fillWorker(element: HTMLElement, worker: IWorkerRow): void {
  if (element.dataset.state !== worker.state) {
    element.dataset.state = worker.state;
    element.replaceChild(stateIcon(WORKER_ICONS[worker.state] ?? 'pending'), element.children[0]);
  }
  // a worker is told of before its process has a number
  setAttribute(element, 'data-pid', String(worker.pid));
  setText(element.children[1], worker.pid > 0 ? `worker ${worker.pid}` : 'a new worker');
  const kill = element.children[3] as HTMLElement;
  setHidden(kill, worker.pid <= 0);
  setAttribute(kill, 'aria-label', `kill worker ${worker.pid}`);
  const runs = worker.runs || worker.state;
  setText(element.children[2], runs);
  setAttribute(element, 'title', worker.pid > 0 ? `worker ${worker.pid}: ${runs}` : runs);
}
