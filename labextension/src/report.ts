/** The page of a report: the views over a recorded run. It needs no kernel and no network. */

import css from '../style/base.css';
import page from '../style/report.css';
import { RecordedChannel, unpack } from './recording';
import { GnomonApp } from './views/app';
import { nameCellsOnly } from './views/ui/cell-link';

const FPS_MAX = 30;
/** Rows: a page that only shows may keep ten times as many as one in which somebody works. */
const CHANGES_MAX = 200_000;

/** Views read whether a page is dark when its root changes: here the browser's wish decides. */
function followBrowser(): void {
  const dark = window.matchMedia('(prefers-color-scheme: dark)');
  const mark = (): void => {
    document.documentElement.className = dark.matches ? 'dark' : 'light';
  };
  dark.addEventListener('change', mark);
  mark();
}

async function show(): Promise<void> {
  const style = document.createElement('style');
  style.textContent = css + page;
  document.head.append(style);
  followBrowser();
  nameCellsOnly();
  const place = document.getElementById('gnomon')!;
  const packed = document.getElementById('gnomon-run')!;
  const frames = await unpack(packed.textContent ?? '');
  packed.remove();
  const channel = new RecordedChannel();
  const root = document.createElement('div');
  place.replaceChildren(root);
  const app = new GnomonApp(root, channel, {
    view: 'dashboard',
    fill: true,
    fpsMax: () => FPS_MAX,
    changesMax: CHANGES_MAX
  });
  channel.play(frames);
  window.addEventListener('pagehide', event => !event.persisted && app.dispose());
}

show().catch((error: unknown) => {
  const note = document.createElement('p');
  note.setAttribute('role', 'alert');
  note.textContent = `This report can not be shown: ${String(error)}. The file may be damaged; write it anew.`;
  document.getElementById('gnomon')!.replaceChildren(note);
});
