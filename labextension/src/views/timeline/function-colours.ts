/**
 * A colour for every function, for pictures in which colour says which function it was.
 *
 * Eight hues, in the order in which functions appear; the ninth function takes the first hue again, striped. The
 * red of failure is not among them. A colour never stands alone: names are written on spans, in the tip and in the
 * legend.
 */

/** Hues that stay distinct for colour-blind readers (Okabe-Ito and Tol, without the red of failure). */
export const FUNCTION_HUES = [
  '#0072b2',
  '#e69f00',
  '#56b4e9',
  '#117733',
  '#cc79a7',
  '#f0e442',
  '#7a68c0',
  '#8c6d4f'
] as const;

export interface IFunctionColour {
  readonly fill: string;
  /** Of text upon it. */
  readonly text: string;
  /** Its hue is another function's already. */
  readonly striped: boolean;
}

/** The colour of the function with that number. */
export function functionColour(func: number): IFunctionColour {
  const colours = func < FUNCTION_HUES.length ? PLAIN : STRIPED;
  return colours[func % FUNCTION_HUES.length];
}

/** Relative luminance of `#rrggbb` as the accessibility guidelines define it, 0 to 1. */
export function luminance(colour: string): number {
  const [red, green, blue] = [1, 3, 5].map(at => {
    const part = parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** Made once: asked for for every span of a picture. */
const PLAIN = FUNCTION_HUES.map(fill => colourOf(fill, false));
const STRIPED = FUNCTION_HUES.map(fill => colourOf(fill, true));

function colourOf(fill: string, striped: boolean): IFunctionColour {
  return { fill, text: luminance(fill) > 0.19 ? '#16181c' : '#fff', striped };
}
