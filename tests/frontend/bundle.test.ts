/** The script of the in-cell widget: small, since it travels with every view, and whole once it is unpacked. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { inflateRawSync } from 'node:zlib';

/** With every view: little more than one large message of the feed. It was 130 kB before it was compressed. */
const SENT_BYTES_MAX = 84_000;
/** A page never forgets a script that it has imported, and anywidget imports this one for each view. */
const LOADER_BYTES_MAX = 2_000;

function build(): { readonly sent: number; readonly script: Buffer } {
  const folder = mkdtempSync(join(tmpdir(), 'gnomon-'));
  try {
    const file = join(folder, 'widget.js');
    execFileSync('node', ['labextension/build-widget.mjs', '--out', file]);
    const text = readFileSync(file, 'utf8');
    const packed = readFileSync(join(folder, 'widget.txt'), 'utf8');
    const digits = /const digits = '([^']+)'/.exec(text)![1];
    const size = Number(/subarray\(0, (\d+)\)/.exec(text)![1]);
    assert.equal(new Set(digits).size, 85);
    assert.ok(text.length <= LOADER_BYTES_MAX, `a page keeps ${text.length} bytes of every view it has ever shown`);
    assert.match(text, /Symbol\.for\('gnomon\.views\.[0-9a-f]{16}'\)/, 'each version of the script has its own name');
    return { sent: text.length + packed.length, script: inflateRawSync(unpack(packed, digits).subarray(0, size)) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Four bytes for every five digits. */
function unpack(packed: string, digits: string): Buffer {
  const bytes = Buffer.alloc((packed.length / 5) * 4);
  for (let at = 0; at < packed.length; at += 5) {
    const word = [...packed.slice(at, at + 5)].reduce((sum, digit) => sum * 85 + digits.indexOf(digit), 0);
    bytes.writeUInt32BE(word, (at / 5) * 4);
  }
  return bytes;
}

describe("the widget's script", () => {
  test('is small, and has what anywidget calls', async () => {
    const { sent, script } = build();
    assert.ok(sent <= SENT_BYTES_MAX, `${sent} bytes travel with every view`);
    const found = (await import(`data:text/javascript;base64,${script.toString('base64')}`)) as {
      default: () => { render: unknown };
    };
    assert.equal(typeof found.default().render, 'function');
  });
});
