// Pictures with text: SVG to PNG, with the fonts of a package.

// Brings the fonts' package into the module graph; its files are read below.
import "npm:dejavu-fonts-ttf@2.37.3/package.json" with { type: "json" };
import { initWasm, Resvg } from "npm:@resvg/resvg-wasm@2.6.2";
import { FONT_FAMILY, svgText } from "./svg.ts";
import { isCovered, systemFonts } from "./system_fonts.ts";

const RENDERER = "npm:@resvg/resvg-wasm@2.6.2/index_bg.wasm";
const FONTS = [
  "npm:dejavu-fonts-ttf@2.37.3/ttf/DejaVuSans.ttf",
  "npm:dejavu-fonts-ttf@2.37.3/ttf/DejaVuSans-Bold.ttf",
];
/** Pixels of the picture for each unit of the SVG, so that small letters are sharp. */
const PIXELS_A_UNIT = 2;

let ready: Promise<readonly Uint8Array[]> | undefined;

/** Starts the renderer and reads the fonts, both from the packages' own files. */
function start(): Promise<readonly Uint8Array[]> {
  return ready ??= (async () => {
    await initWasm(await readPackageFile(RENDERER));
    return await Promise.all(FONTS.map(readPackageFile));
  })();
}

function readPackageFile(specifier: string): Promise<Uint8Array<ArrayBuffer>> {
  return Deno.readFile(new URL(import.meta.resolve(specifier)));
}

/** Draws pictures and measures texts; made by {@linkcode openPainter}. */
export interface Painter {
  /** An SVG document as a PNG file, two pixels a unit. */
  readonly draw: (svg: string) => Uint8Array;
  /** Width of a text, in units. */
  readonly width: (text: string, size: number, bold?: boolean) => number;
}

/**
 * Starts what draws pictures with these texts. Letters that the fonts of the package lack (Chinese,
 * Japanese, Thai, …) are drawn with the system's.
 *
 * @param warn hears that there are none
 */
export async function openPainter(
  texts: readonly string[],
  warn: (message: string) => void,
): Promise<Painter> {
  const fontBuffers = [...await start()];
  const foreign = texts.find((text) => !isCovered(text));
  if (foreign !== undefined) {
    const more = await systemFonts();
    if (more.length === 0) {
      warn(`no font was found for ${foreign}: install one (Debian: apt install fonts-noto-cjk)`);
    }
    fontBuffers.push(...more);
  }
  const font = { fontBuffers, defaultFontFamily: FONT_FAMILY };
  return {
    draw(svg) {
      const scaled = { mode: "zoom" as const, value: PIXELS_A_UNIT };
      const resvg = new Resvg(svg, { font, fitTo: scaled });
      const rendered = resvg.render();
      const png = rendered.asPng();
      rendered.free();
      resvg.free();
      return png;
    },
    width(text, size, bold = false) {
      const resvg = new Resvg(
        `<svg xmlns="http://www.w3.org/2000/svg">${
          svgText(text, { x: 0, y: 0, size, bold })
        }</svg>`,
        { font },
      );
      const width = resvg.getBBox()?.width ?? 0;
      resvg.free();
      return width;
    },
  };
}
