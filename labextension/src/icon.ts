/** The project's icon in JupyterLab's theme colours. */

import { LabIcon } from '@jupyterlab/ui-components';

const SVG = `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 16 16">
  <path class="jp-icon3" stroke="#616161" d="M1.2 12.6a6.8 6.8 0 0 1 13.6 0" fill="none" stroke-width="1.4" stroke-linecap="round"/>
  <path class="jp-icon3" fill="#616161" d="M8 12.6V3.4l-4.2 9.2z"/>
  <path class="jp-icon3" stroke="#616161" d="M8 12.6l5.2-3.2" fill="none" stroke-width="1.4" stroke-linecap="round"/>
</svg>`;

export const gnomonIcon = new LabIcon({ name: 'gnomon:icon', svgstr: SVG });
