/**
 * Builds the script of the in-cell widget: one file, which travels with every view that is shown, so it is kept
 * small. Private members (`_name`) get short names, the style sheet is minified, and the whole is compressed; a
 * few lines in front unpack it in the browser, the same way as anywidget itself loads a script from a text.
 *
 *   npm run build:widget                       gnomon_kernel/static/widget.js
 *   npm run build:widget -- --watch            the same again after each change
 *   npm run build:widget -- --report           which source files weigh how much
 *   npm run build:widget -- --plain            with the names of the sources, for a profiler
 *   npm run build:widget -- --out FILE         written elsewhere
 */

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { constants, deflateRaw } from 'node:zlib';
import * as esbuild from 'esbuild';

const args = process.argv.slice(2);
const plain = args.includes('--plain');
const OUT = args.includes('--out') ? args[args.indexOf('--out') + 1] : 'kernel_ext/gnomon_kernel/static/widget.js';

/** What anywidget sees: it waits for `render`, so the script may be unpacked in the meantime. */
const loader = packed => `const packed = '${packed}';
const unpacked = (async () => {
  const bytes = Uint8Array.from(atob(packed), character => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  const script = new Blob([await new Response(stream).arrayBuffer()], { type: 'text/javascript' });
  const url = URL.createObjectURL(script);
  try {
    return (await import(url)).default;
  } finally {
    URL.revokeObjectURL(url);
  }
})();
export default { render: async view => (await unpacked).render(view) };
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
        const text = loader(packed.toString('base64'));
        await mkdir(dirname(OUT), { recursive: true });
        await writeFile(OUT, text);
        const [whole, sent] = [contents.length, text.length].map(size => `${(size / 1000).toFixed(1)} kB`);
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
