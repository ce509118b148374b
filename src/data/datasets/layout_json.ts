import { ConfigError } from "../../util/errors.ts";

const HINT = 'README.md, "Your own images", shows a whole description';

/** An object of a JSON file, whose keys are asked for by name and type; what is left over is an error. */
export class JsonObject {
  /** For messages. */
  readonly file: string;
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #place: string;
  readonly #known = new Set<string>();

  /**
   * @param place where the object stands in the file: `image`, `train[0]`; empty for the file itself
   * @throws {ConfigError} if the value is no object
   */
  constructor(value: unknown, file: string, place: string) {
    this.file = file;
    this.#place = place;
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      const where = place === "" ? "" : ` at ${place}`;
      throw new ConfigError(
        `Cannot use ${file}${where}: expected an object, found ${show(value)}`,
        {
          hint: HINT,
        },
      );
    }
    this.#values = value as Record<string, unknown>;
  }

  /** What is wrong with a key. */
  fault(key: string, expected: string, found: string): ConfigError {
    const path = this.#place === "" ? key : `${this.#place}.${key}`;
    return new ConfigError(
      `Cannot use ${this.file} at ${path}: expected ${expected}, found ${found}`,
      { hint: HINT },
    );
  }

  has(key: string): boolean {
    this.#known.add(key);
    return Object.hasOwn(this.#values, key);
  }

  #get(key: string, expected: string): unknown {
    if (!this.has(key)) throw this.fault(key, expected, "nothing");
    return this.#values[key];
  }

  object(key: string): JsonObject {
    const place = this.#place === "" ? key : `${this.#place}.${key}`;
    return new JsonObject(this.#get(key, "an object"), this.file, place);
  }

  integer(key: string, least: number, most: number): number {
    const expected = `a whole number from ${least} to ${most}`;
    const value = this.#get(key, expected);
    if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) {
      return value;
    }
    throw this.fault(key, expected, show(value));
  }

  oneOf<const T extends string | number>(key: string, choices: readonly T[]): T {
    const expected = choices.map((choice) => JSON.stringify(choice)).join(" or ");
    const value = this.#get(key, expected);
    const choice = choices.find((each) => each === value);
    if (choice === undefined) throw this.fault(key, expected, show(value));
    return choice;
  }

  text(key: string): string {
    const expected = "text that is not empty";
    const value = this.#get(key, expected);
    if (typeof value !== "string" || value === "") throw this.fault(key, expected, show(value));
    return value;
  }

  list(key: string): readonly unknown[] {
    const value = this.#get(key, "a list");
    if (!Array.isArray(value)) throw this.fault(key, "a list", show(value));
    return value;
  }

  strings(key: string): readonly string[] {
    return this.list(key).map((value, index) => {
      if (typeof value === "string" && value !== "") return value;
      throw this.fault(`${key}[${index}]`, "text that is not empty", show(value));
    });
  }

  /** @throws {ConfigError} if there is a key that nobody asked for */
  end(): void {
    const unknown = Object.keys(this.#values).find((key) => !this.#known.has(key));
    if (unknown === undefined) return;
    throw this.fault(visible(unknown), `only ${[...this.#known].join(", ")}`, "an unknown key");
  }
}

/** A value of the file, shortened. */
function show(value: unknown): string {
  const text = visible(JSON.stringify(value) ?? "nothing");
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** Text of the file as part of one line, its control characters replaced: none reaches the terminal. */
export function visible(text: string): string {
  return text.replace(/\p{Cc}+/gu, " ");
}
