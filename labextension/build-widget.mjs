/**
 * Builds the script of the in-cell widget, which travels with every view that is shown, so it is kept small: private
 * members (`_name`) get short names, the style sheet is minified, and the whole is compressed, in `widget.txt`. The
 * few lines of `widget.js` unpack it in the browser, the same way as anywidget itself loads a script from a text.
 *
 *   npm run build:widget                       gnomon_kernel/static/widget.js and widget.txt
 *   npm run build:widget -- --watch            the same again after each change
 *   npm run build:widget -- --report           which source files weigh how much
 *   npm run build:widget -- --plain            with the names of the sources, for a profiler
 *   npm run build:widget -- --out FILE         written elsewhere
 */

import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { constants, deflateRaw } from 'node:zlib';
import * as esbuild from 'esbuild';

const args = process.argv.slice(2);
const plain = args.includes('--plain');
const OUT = args.includes('--out') ? args[args.indexOf('--out') + 1] : 'kernel_ext/gnomon_kernel/static/widget.js';

/** Five of these stand for four bytes, a sixteenth less than in base64; none needs an escape in a script, JSON or HTML. */
const DIGITS = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ!#%()*+,-./:;=?@[]^_{|}';

/** Bytes as text, with their number: zeros fill up the last four. */
function inDigits(bytes) {
  const filled = Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
  let text = '';
  for (let at = 0; at < filled.length; at += 4) {
    let word = filled.readUInt32BE(at);
    let five = '';
    for (let i = 0; i < 5; i++) {
      five = DIGITS[word % 85] + five;
      word = Math.floor(word / 85);
    }
    text += five;
  }
  return { text, size: bytes.length };
}

/**
 * What anywidget imports for every view. A page never forgets a script that it has imported, so this one is short: the
 * views' own comes with the model, as a text that goes when the view goes, and is unpacked and imported once a page.
 */
const loader = (packed, name) => `const digits = '${DIGITS}';
const name = Symbol.for('gnomon.views.${name}');
const unpack = async packed => {
  const bytes = new Uint8Array((packed.length / 5) * 4);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < packed.length; at += 5) {
    let word = 0;
    for (let i = at; i < at + 5; i++) word = word * 85 + digits.indexOf(packed[i]);
    view.setUint32((at / 5) * 4, word);
  }
  const stream = new Blob([bytes.subarray(0, ${packed.size})]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  const script = new Blob([await new Response(stream).arrayBuffer()], { type: 'text/javascript' });
  const url = URL.createObjectURL(script);
  try {
    return (await import(url)).default;
  } catch (error) {
    delete globalThis[name]; // the next view tries again
    throw error;
  } finally {
    URL.revokeObjectURL(url);
  }
};
export default () => {
  let widget;
  return {
    // JupyterLab keeps the model of a widget that is closed, and a model the values that it had before its last change
    initialize: ({ model }) => () => ['', ' '].forEach(none => model.set('_script', none)),
    async render(view) {
      globalThis[name] ??= unpack(view.model.get('_script'));
      const make = await globalThis[name];
      widget ??= make();
      return widget.render(view);
    }
  };
};
`;

/** Style sheets as texts. */
const css = {
  name: 'css-as-text',
  setup: build =>
    build.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await esbuild.transform(await readFile(path, 'utf8'), { loader: 'css', minify: true });
      return { contents: code.trim(), loader: 'text' };
    })
};

const pack = {
  name: 'pack',
  setup: build =>
    build.onEnd(async ({ errors, outputFiles }) => {
      if (errors.length === 0) {
        const [{ contents }] = outputFiles;
        const packed = await promisify(deflateRaw)(contents, { level: constants.Z_BEST_COMPRESSION });
        const digits = inDigits(packed);
        const text = loader(digits, createHash('sha256').update(contents).digest('hex').slice(0, 16));
        await mkdir(dirname(OUT), { recursive: true });
        await writeFile(OUT, text);
        await writeFile(OUT.replace(/\.js$/, '.txt'), digits.text);
        const [whole, sent] = [contents.length, text.length + digits.text.length].map(
          size => `${(size / 1000).toFixed(1)} kB`
        );
        process.stdout.write(`${OUT}: ${sent}, ${whole} unpacked\n`);
      }
    })
};

const options = {
  entryPoints: ['labextension/src/widget.ts'],
  bundle: true,
  minify: !plain,
  format: 'esm',
  target: 'es2020',
  mangleProps: plain ? undefined : /^_[a-z]/,
  plugins: [css, pack],
  metafile: true,
  write: false
};

if (args.includes('--watch')) {
  await (await esbuild.context(options)).watch();
} else {
  const { metafile } = await esbuild.build(options);
  if (args.includes('--report')) {
    process.stdout.write(await esbuild.analyzeMetafile(metafile));
  }
}
