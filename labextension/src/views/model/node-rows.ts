/** What the nodes view says of each node, read from the model. Pure. */

import type { Model } from './model';
import { TaskState } from './states';
import type { INodeRow, IWorker } from './wire';

/** One worker process, and what it does. */
export interface IWorkerRow {
  readonly id: string;
  readonly pid: number;
  /** "running", "idle", "starting", or "busy": it does something that is not in this picture. */
  readonly state: string;
  /** What runs: "load #12", "Counter.train". */
  readonly runs: string;
  /** The task that runs, or -1. */
  readonly task: number;
}

/** A resource of a node. */
export interface IUse {
  readonly name: string;
  readonly used: number;
  readonly total: number;
}

/** Resources that every node has one of, to be named by: they say nothing. */
const OWN = /^node:/;
const AMOUNTS = new Intl.NumberFormat('en-US', { maximumFractionDigits: 3 });
const ORDER = ['CPU', 'GPU', 'memory'];

/** What is in use of each resource: CPU, GPU and memory first. */
export function usesOf(node: INodeRow): IUse[] {
  const names = Object.keys(node.resources).filter(name => !OWN.test(name));
  const place = (name: string): number => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
  names.sort((a, b) => place(a) - place(b) || a.localeCompare(b));
  return names.map(name => {
    const total = node.resources[name];
    const free = node.alive ? (node.available[name] ?? 0) + (node.idle?.[name] ?? 0) : total;
    return { name, total, used: Math.max(0, total - free) };
  });
}

/** The workers of every node, by the node's id: what runs comes first. */
export function workersByNode(model: Model): Map<string, IWorkerRow[]> {
  const running = runningTasks(model);
  const found = new Map<string, IWorkerRow[]>();
  for (const [id, node] of model.nodes) {
    if (!node.alive) {
      found.set(id, []);
      continue;
    }
    const rows = node.processes
      ? node.processes.map(([worker, pid, state]) => rowOf(model, worker, pid, state, running.get(worker)))
      : model.workers
          .filter(worker => model.nodeOf(worker) === id)
          .map(worker => rowOf(model, worker.id, worker.pid, 'idle', running.get(worker.id)));
    found.set(
      id,
      rows.sort((a, b) => gravity(a) - gravity(b) || a.pid - b.pid)
    );
  }
  return found;
}

/** The latest task that runs in each worker, by the worker's id. */
function runningTasks(model: Model): Map<string, number> {
  const { tasks } = model;
  const running = new Map<string, number>();
  for (let task = 0; task < tasks.length; task++) {
    const worker = model.workers[tasks.worker[task]];
    if (tasks.state[task] === TaskState.running && worker) {
      running.set(worker.id, task);
    }
  }
  return running;
}

function rowOf(model: Model, id: string, pid: number, state: string, task: number | undefined): IWorkerRow {
  if (task !== undefined) {
    return { id, pid, state: 'running', runs: model.titleOf(task), task };
  }
  const actor = [...model.actors.values()].find(each => each.pid === pid && each.state === 'alive');
  if (actor) {
    const method = actor.current ? actor.current : 'idle';
    return { id, pid, state: actor.current ? 'running' : 'idle', runs: `actor ${actor.class}: ${method}`, task: -1 };
  }
  return { id, pid, state: state === 'leased' ? 'busy' : state, runs: '', task: -1 };
}

function gravity(row: IWorkerRow): number {
  return ['running', 'busy', 'idle', 'starting'].indexOf(row.state);
}

/** What one node has got from another, or given to it. */
export interface ITraffic {
  readonly key: string;
  readonly out: boolean;
  /** The other node's name. */
  readonly other: string;
  readonly bytes: number;
  /** Of the most that has gone from one node to another. */
  readonly share: number;
}

/** What has been copied from and to a node, most first. */
export function trafficOf(model: Model, node: INodeRow): ITraffic[] {
  const most = Math.max(1, ...[...model.nodes.values()].flatMap(each => Object.values(each.received ?? {})));
  const found: ITraffic[] = [];
  const add = (id: string, out: boolean, bytes: number): void => {
    const other = model.nodes.get(id)?.label ?? 'another node';
    found.push({ key: `${out ? 'to' : 'from'} ${id}`, out, other, bytes, share: bytes / most });
  };
  Object.entries(node.received ?? {}).forEach(([id, bytes]) => add(id, false, bytes));
  model.nodes.forEach((other, id) => {
    const bytes = other.received?.[node.id] ?? 0;
    if (bytes > 0) {
      add(id, true, bytes);
    }
  });
  return found.sort((a, b) => b.bytes - a.bytes);
}

/** "worker 4711"; "actor Counter (worker 4711)"; with its node where there are several. */
export function workerName(model: Model, worker: IWorker): string {
  const name =
    worker.label.startsWith('actor ') && worker.pid > 0 ? `${worker.label} (worker ${worker.pid})` : worker.label;
  const node = model.nodes.size > 1 ? model.nodes.get(model.nodeOf(worker))?.label : undefined;
  return node ? `${name} on ${node}` : name;
}

/** "CPUs in use: 1 of 2", of all living nodes. */
export function cpusInUse(model: Model): string {
  const uses = [...model.nodes.values()].filter(node => node.alive).flatMap(usesOf);
  const cpus = uses.filter(use => use.name === 'CPU');
  const sum = (key: 'used' | 'total'): string => AMOUNTS.format(cpus.reduce((all, use) => all + use[key], 0));
  return `CPUs in use: ${sum('used')} of ${sum('total')}`;
}

/** "nodes: 2 alive, 0 dead, 5 workers". */
export function describeNodes(model: Model): string {
  const nodes = [...model.nodes.values()];
  const alive = nodes.filter(node => node.alive);
  const workers = alive.reduce((sum, node) => sum + node.workers, 0);
  return `nodes: ${alive.length} alive, ${nodes.length - alive.length} dead, ${workers} workers`;
}
