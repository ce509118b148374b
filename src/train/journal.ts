/** One line of a record: names and values. */
export type JournalRecord = Readonly<Record<string, number | string | boolean | null>>;

/** A record of a run that is only ever appended to, and can be taken back to an earlier moment. */
export interface Journal {
  /** Appends one line. */
  write(record: JournalRecord): void;
  /**
   * Makes what was written last through a power cut.
   *
   * @returns its length in bytes
   * @throws {UserError} if the disk is full, or refuses it
   */
  sync(): number;
  /**
   * Drops what was written after it had a length of `bytes`.
   *
   * @returns false if it is shorter than that: lines are missing
   */
  rewind(bytes: number): boolean;
}
