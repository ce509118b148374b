const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * The first key that an object of a JSON text, at any depth, has twice; undefined if there is none.
 * The text must be valid: run `JSON.parse` first.
 */
export function duplicateKey(text: string): string | undefined {
  const open: (Set<string> | null)[] = [];
  let expectsKey = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (char === "{") {
      open.push(new Set());
      expectsKey = true;
    } else if (char === "[") {
      open.push(null);
      expectsKey = false;
    } else if (char === "}" || char === "]") {
      open.pop();
      expectsKey = false;
    } else if (char === ",") {
      expectsKey = true;
    } else if (char === '"') {
      const end = stringEnd(text, i);
      const keys = open.at(-1);
      if (expectsKey && keys != null) {
        // Unescaped, so that "a" and "\u0061" are the same key.
        const key: string = JSON.parse(text.slice(i, end + 1));
        if (keys.has(key)) return key;
        keys.add(key);
        expectsKey = false;
      }
      i = end;
    }
  }
  return undefined;
}

/** The place of the quote that ends the string that begins at `start`. */
function stringEnd(text: string, start: number): number {
  let i = start + 1;
  for (; i < text.length && text.charCodeAt(i) !== QUOTE; i++) {
    if (text.charCodeAt(i) === BACKSLASH) i++;
  }
  return i;
}
