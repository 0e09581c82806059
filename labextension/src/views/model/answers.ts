/** What the kernel answers when a view has asked for something. */

/** What the kernel says of one task when asked. Every field but `id` may be absent. */
export interface ITaskDetail {
  readonly id: number;
  /** Time between submission and start, in seconds. */
  readonly waited_s?: number;
  /** 0 for the first attempt. */
  readonly attempt?: number;
  /** The error at length. */
  readonly error?: string;
}

/** What the kernel says of one object when asked. Every field but `id` may be absent. */
export interface IObjectDetail {
  readonly id: string;
  /** False when it has been freed. */
  readonly there?: boolean;
  /** Cell or file, and line. */
  readonly call_site?: string;
  /** The process that owns it. */
  readonly owner?: string;
  /** In how many nodes' stores it lies. */
  readonly copies?: number;
  /** Each in words, by name where it has one. */
  readonly holders?: readonly string[];
  /** False when a process did not answer in time, or its search for names came to no end. */
  readonly complete?: boolean;
}

/** What became of something that was asked for: a sentence. */
export interface INote {
  /** "task 12", "actor <id>", "worker <pid>", "node <id>", "delay <id>", "object <id>", "add". */
  readonly about: string;
  readonly text: string;
}
