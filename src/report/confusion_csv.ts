/** A field of a CSV line (RFC 4180), in quotes where it must be. */
function csvField(value: string | number): string {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A line of CSV, with its end. */
export function csvLine(fields: readonly (string | number)[]): string {
  return `${fields.map(csvField).join(",")}\n`;
}

/** A confusion matrix as CSV: a row a true class, a column a predicted one, both with names. */
export function confusionCsv(
  classes: readonly string[],
  matrix: readonly (readonly number[])[],
): string {
  const head = csvLine(["true \\ predicted", ...classes]);
  return head + matrix.map((row, label) => csvLine([classes[label], ...row])).join("");
}
