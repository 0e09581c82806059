/** The script of the in-cell widget: small, since it travels with every view, and whole once it is unpacked. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { inflateRawSync } from 'node:zlib';

/** With every view: little more than one large message of the feed. It was 130 kB before it was compressed. */
const SENT_BYTES_MAX = 80_000;

function build(): { readonly sent: number; readonly script: Buffer } {
  const folder = mkdtempSync(join(tmpdir(), 'gnomon-'));
  try {
    const file = join(folder, 'widget.js');
    execFileSync('node', ['labextension/build-widget.mjs', '--out', file]);
    const text = readFileSync(file, 'utf8');
    const packed = /const packed = '([^']+)'/.exec(text)![1];
    return { sent: text.length, script: inflateRawSync(Buffer.from(packed, 'base64')) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("the widget's script", () => {
  test('is small, and has what anywidget calls', async () => {
    const { sent, script } = build();
    assert.ok(sent <= SENT_BYTES_MAX, `${sent} bytes travel with every view`);
    const found = (await import(`data:text/javascript;base64,${script.toString('base64')}`)) as {
      default: { render: unknown };
    };
    assert.equal(typeof found.default.render, 'function');
  });
});
