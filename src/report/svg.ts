// Building blocks of SVG documents.

import type { Painter } from "./picture.ts";

/** The family that texts are set in. */
export const FONT_FAMILY = "DejaVu Sans";

/** Where and how a text stands. */
export interface TextStyle {
  readonly x: number;
  /** The line that the letters stand on. */
  readonly y: number;
  readonly size: number;
  readonly bold?: boolean;
  readonly color?: string;
  /** What of the text is at x. Default `start`. */
  readonly anchor?: "start" | "middle" | "end";
  /** Turned about (x, y), degrees clockwise. */
  readonly turned?: number;
}

/** A text as SVG. */
export function svgText(
  text: string,
  { x, y, size, bold = false, color = "#222", anchor = "start", turned = 0 }: TextStyle,
): string {
  const weight = bold ? ` font-weight="bold"` : "";
  const transform = turned === 0 ? "" : ` transform="rotate(${turned} ${round(x)} ${round(y)})"`;
  return `<text x="${round(x)}" y="${round(y)}" font-family="${FONT_FAMILY}" font-size="${size}"` +
    `${weight} fill="${color}" text-anchor="${anchor}"${transform}>${escapeXml(text)}</text>`;
}

/** A whole document on a white ground. */
export function svgDocument(width: number, height: number, parts: readonly string[]): string {
  const [w, h] = [Math.ceil(width), Math.ceil(height)];
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}" ` +
    `viewBox="0 0 ${w} ${h}"><rect width="${w}" height="${h}" fill="#fff"/>${parts.join("")}</svg>`;
}

/** A text shortened by `…` until it is no wider than `most`. */
export function fitText(
  painter: Painter,
  text: string,
  { size, most, bold }: { size: number; most: number; bold?: boolean },
): string {
  if (painter.width(text, size, bold) <= most) return text;
  const letters = Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment);
  let [fits, over] = [0, letters.length];
  while (over - fits > 1) {
    const middle = (fits + over) >> 1;
    const short = `${letters.slice(0, middle).join("")}…`;
    if (painter.width(short, size, bold) <= most) fits = middle;
    else over = middle;
  }
  return `${letters.slice(0, fits).join("").trimEnd()}…`;
}

/** A number with at most two digits behind the point. */
export function round(value: number): string {
  return String(Math.round(value * 100) / 100);
}

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
};

/** A text as XML has it; letters that XML forbids become U+FFFD. */
export function escapeXml(text: string): string {
  return text.toWellFormed()
    // deno-lint-ignore no-control-regex
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "\ufffd")
    .replace(/[&<>"]/g, (letter) => ESCAPES[letter]);
}
