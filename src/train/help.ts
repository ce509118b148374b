import type { Flag, FlagTable, NumberFlag, Positionals } from "./flags.ts";

/** A command as its help describes it. */
export interface CommandHelp {
  /** What it does, one sentence. */
  readonly about: string;
  /** How a person starts it, e.g. `deno task train`. */
  readonly usage: string;
  /** A whole command line with what it does. */
  readonly example: { readonly line: string; readonly about: string };
  /** What it takes beside flags; none if absent. */
  readonly positionals?: Positionals;
  readonly flags: FlagTable;
}

/** The widest line of a help text. */
export const HELP_COLUMNS = 100;
/** The widest flag that stands beside its words. */
const WIDEST_SPELLING = 34;

/** The text of `--help` for one command: flags by group, each with its range and default. */
export function commandHelp(command: CommandHelp): string {
  const flags: [string, Flag][] = [
    ...Object.entries(command.flags),
    ["help", { kind: "boolean", default: false, group: "Help", about: "print this text" }],
  ];
  const widths = flags.map(([name, flag]) => spelling(name, flag).length);
  const left = Math.max(...widths.filter((width) => width <= WIDEST_SPELLING)) + 4;
  const groups = Map.groupBy(flags, ([, flag]) => flag.group);
  const operands = command.positionals === undefined ? "" : ` ${command.positionals.placeholder}`;
  const usage = `usage: ${command.usage} [flags]${operands}`;
  const lines = [...wrap(command.about, HELP_COLUMNS), "", usage];
  for (const [group, members] of groups) {
    lines.push("", group);
    for (const [name, flag] of members) {
      const text = wrap(describe(flag, command.flags), HELP_COLUMNS - left);
      const written = `  ${spelling(name, flag)}`;
      // One that is long has a line of its own, so that all others keep room for their words.
      if (written.length + 2 > left) lines.push(written);
      else lines.push(written.padEnd(left) + text.shift());
      lines.push(...text.map((line) => " ".repeat(left) + line));
    }
  }
  lines.push("", "example", `  ${command.example.line}`);
  lines.push(...wrap(command.example.about, HELP_COLUMNS - 4).map((line) => `    ${line}`));
  return lines.join("\n");
}

/** The text printed without a command: what there is. */
export function overviewHelp(commands: Readonly<Record<string, CommandHelp>>): string {
  const names = Object.keys(commands);
  const left = Math.max(...names.map((name) => name.length)) + 4;
  const lines = ["usage: deno task <command> [flags]", ""];
  for (const name of names) {
    const text = wrap(commands[name].about, HELP_COLUMNS - left);
    lines.push(`  ${name}`.padEnd(left) + text[0]);
    lines.push(...text.slice(1).map((line) => " ".repeat(left) + line));
  }
  lines.push("", "deno task <command> --help lists the flags of a command.");
  return lines.join("\n");
}

function spelling(name: string, flag: Flag): string {
  switch (flag.kind) {
    case "boolean":
      return flag.default ? `--no-${name}` : `--${name}`;
    case "choice":
      return `--${name} ${flag.choices.join("|")}`;
    case "string":
      return `--${name} <${flag.placeholder}>`;
    case "interval":
      return `--${name} <steps or time>`;
    default:
      return `--${name} <${flag.kind}>`;
  }
}

function describe(flag: Flag, table: FlagTable): string {
  const notes: string[] = [];
  if (flag.kind === "integer" || flag.kind === "number") notes.push(range(flag));
  if (flag.alias !== undefined) notes.push(`also --${flag.alias}`);
  if (flag.excludes !== undefined) {
    const other = table[flag.excludes];
    const isNegated = other.kind === "boolean" && other.default;
    notes.push(`not with --${isNegated ? "no-" : ""}${flag.excludes}`);
  }
  if (flag.kind !== "boolean") {
    const text = typeof flag.default === "object" ? flag.default.text : String(flag.default);
    notes.push(`default ${text}`);
  }
  const shown = notes.filter((note) => note !== "");
  return shown.length === 0 ? flag.about : `${flag.about} (${shown.join("; ")})`;
}

function range({ min, max, above, below }: NumberFlag): string {
  if (min !== undefined && max !== undefined) return `${min}..${max}`;
  const low = min !== undefined ? `>= ${min}` : above !== undefined ? `> ${above}` : "";
  const high = max !== undefined ? `<= ${max}` : below !== undefined ? `< ${below}` : "";
  return [low, high].filter((part) => part !== "").join(", ");
}

/** Breaks a text at spaces into lines of at most `columns`; a longer word keeps its own line. */
function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
