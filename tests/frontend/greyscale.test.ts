/** States are told apart without colour: by their icons, by the shapes on canvases, by contrast in either theme. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { drawCell } from '../../labextension/src/views/graph/cells';
import { drawMark } from '../../labextension/src/views/ui/draw';
import {
  ACTOR_STATES,
  FILLED_ICONS,
  ICON_PATHS,
  OBJECT_STATES,
  TASK_STATES
} from '../../labextension/src/views/model/states';

/** WCAG's least contrast of what is no text. */
const CONTRAST_MIN = 3;
const FAMILIES = { task: TASK_STATES, object: OBJECT_STATES, actor: ACTOR_STATES };

/** A canvas that notes shapes and how opaque they are, and no colour. */
class Shapes {
  globalAlpha = 1;
  readonly noted: string[] = [];

  static of(draw: (context: CanvasRenderingContext2D) => void): string {
    const shapes = new Shapes();
    const methods = ['fillRect', 'strokeRect', 'roundRect', 'arc', 'fill', 'stroke', 'setLineDash'];
    const note = (name: string, args: readonly unknown[]): void => {
      shapes.noted.push(`${name}(${args.map(arg => JSON.stringify(arg)).join()}) at ${shapes.globalAlpha}`);
    };
    const context = new Proxy(shapes as unknown as CanvasRenderingContext2D, {
      get: (target, name: string) =>
        methods.includes(name) ? (...args: unknown[]) => note(name, args) : name in target ? 1 : () => undefined
    });
    draw(context);
    return shapes.noted.join('\n');
  }
}

/** Fails when two of the pictures are the same. */
function assertDifferent(pictures: ReadonlyMap<string, string>, where: string): void {
  const seen = new Map<string, string>();
  for (const [name, picture] of pictures) {
    assert.notEqual(picture, '', `${name} is not drawn ${where}`);
    assert.equal(seen.get(picture), undefined, `${seen.get(picture)} and ${name} look the same ${where}`);
    seen.set(picture, name);
  }
}

describe('without colour', () => {
  (globalThis as { Path2D?: unknown }).Path2D = class {
    constructor(readonly d: string) {}
  };
  const colours = { fill: 'any', mark: 'any' };

  test('every state has an icon of its own', () => {
    for (const [family, states] of Object.entries(FAMILIES)) {
      const icons = states.map(state => [state, `${ICON_PATHS[state]} ${FILLED_ICONS.has(state)}`] as const);
      assertDifferent(new Map(icons), `as ${family}`);
    }
  });

  test('cells of a box differ at every size they are drawn in', () => {
    for (const size of [12, 8.3, 6, 5.1]) {
      const cells = TASK_STATES.map((name, state) => {
        return [name, Shapes.of(context => drawCell(context, state, colours, 0, 0, size))] as const;
      });
      assertDifferent(new Map(cells), `in cells of ${size}`);
    }
  });

  test('marks of single tasks differ', () => {
    const marks = TASK_STATES.map(name => {
      return [name, Shapes.of(context => drawMark(context, name, colours, 'any', 0, 0, 9))] as const;
    });
    assertDifferent(new Map(marks), 'as marks');
  });
});

/** The colours of the style sheet by name, `{light, dark}`; dark ones that are not given are the light ones. */
function themes(): Record<'light' | 'dark', Map<string, string>> {
  const css = readFileSync('labextension/style/base.css', 'utf8');
  const read = (selector: string): [string, string][] => {
    const block = css.slice(css.indexOf(`${selector} {`), css.indexOf('}', css.indexOf(`${selector} {`)));
    return [...block.matchAll(/--gnomon-([\w-]+):\s*(?:var\([^,]+,\s*)?(#[0-9a-f]{3,6})/g)].map(m => [m[1], m[2]]);
  };
  const light = read('.jp-gnomon-root');
  return { light: new Map(light), dark: new Map([...light, ...read(".jp-gnomon-root[data-theme='dark']")]) };
}

/** Relative luminance, 0 to 1: what is left of a colour in greyscale. */
function luminance(hex: string): number {
  const wide = hex.length === 4 ? hex.replace(/[^#]/g, '$&$&') : hex;
  const [r, g, b] = [1, 3, 5].map(at => {
    const part = parseInt(wide.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [dark, bright] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (bright + 0.05) / (dark + 0.05);
}

describe('in greyscale', () => {
  for (const [theme, colours] of Object.entries(themes())) {
    test(`icons stand out from their discs in the ${theme} theme`, () => {
      const states = new Set([...TASK_STATES, ...OBJECT_STATES, ...ACTOR_STATES]);
      assert.ok(colours.size > 20);
      for (const state of states) {
        const [fill, mark] = [colours.get(state)!, colours.get(`${state}-mark`)!];
        const found = contrast(fill, mark);
        assert.ok(found >= CONTRAST_MIN, `${state}: ${mark} upon ${fill} has a contrast of ${found.toFixed(2)}`);
      }
    });
  }
});
