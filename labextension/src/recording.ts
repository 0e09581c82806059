/** A recorded run as a report's page holds it: compressed frames, each a message of the feed with its buffer. */

import type { IChannel, IMessage, MessageListener } from './channel';

export interface IFrame {
  readonly message: IMessage;
  readonly buffers: readonly DataView[];
}

/** Lengths of header and of buffer, little endian, before each of them. */
const LENGTHS_BYTES = 8;

/** Reads frames: lengths, header in JSON, buffer. Throws a RangeError or a SyntaxError if they are damaged. */
export function readFrames(data: ArrayBuffer): IFrame[] {
  const view = new DataView(data);
  const text = new TextDecoder();
  const frames: IFrame[] = [];
  for (let offset = 0; offset < data.byteLength;) {
    const header = view.getUint32(offset, true);
    const buffer = view.getUint32(offset + 4, true);
    const start = offset + LENGTHS_BYTES;
    const message = JSON.parse(text.decode(new Uint8Array(data, start, header))) as IMessage;
    const buffers = buffer > 0 ? [new DataView(data, start + header, buffer)] : [];
    frames.push({ message, buffers });
    offset = start + header + buffer;
  }
  return frames;
}

/** Unpacks what a page holds: frames, compressed by gzip, in base64. */
export async function unpack(packed: string): Promise<IFrame[]> {
  const bytes = Uint8Array.from(atob(packed.trim()), character => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return readFrames(await new Response(stream).arrayBuffer());
}

/** A channel from which a recording comes; what is sent into it goes nowhere. */
export class RecordedChannel implements IChannel {
  send(): void {
    // nobody is there
  }

  listen(listener: MessageListener): () => void {
    this._listeners.add(listener);
    return () => this._listeners.delete(listener);
  }

  onClosed(): () => void {
    return () => {
      // it never closes
    };
  }

  /** Hands on all frames, in their order. */
  play(frames: readonly IFrame[]): void {
    for (const { message, buffers } of frames) {
      this._listeners.forEach(listener => listener(message, buffers));
    }
  }

  private readonly _listeners = new Set<MessageListener>();
}
