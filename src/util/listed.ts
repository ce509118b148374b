/** The first of many names, and how many more there are. */
export function listed(names: readonly string[], separator: string, most = 12): string {
  const rest = names.length - most;
  return names.slice(0, most).join(separator) + (rest > 0 ? ` and ${rest} more` : "");
}
