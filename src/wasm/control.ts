/**
 * The words in shared memory by which threads work together. Words that several threads write stand in
 * cache lines of their own.
 */

/** Byte offset of the control words: behind the module's own constants, before everything else. */
export const CONTROL_OFFSET = 32768;

/** Words of a launch in the table: kernel number, units, units taken at once, offset of the block. */
export const TABLE_WORDS = 4;

/** The most launches that a program may have. */
export const MAX_LAUNCHES = 12288;

/** Byte offset of the running program's launch table. */
const TABLE_OFFSET = 65536;

/** Where the threads' scratch areas begin: a whole number of pages. */
export const CONTROL_END = TABLE_OFFSET + MAX_LAUNCHES * TABLE_WORDS * 4;

/** Places of the control words, counted in words of 4 bytes from the start of memory. */
export const WORD = {
  /** Counts the starts of programs and the ends of launches; threads wait for it to change. */
  phase: CONTROL_OFFSET / 4,
  /** Threads that have finished the present launch. */
  arrived: CONTROL_OFFSET / 4 + 16,
  /** The first work unit of the present launch that nobody has taken. */
  next: CONTROL_OFFSET / 4 + 32,
  /** Threads that sleep until the phase changes. */
  sleepers: CONTROL_OFFSET / 4 + 48,
  /** The launch table. It stands at the start of memory, where a thread's view of memory reaches that has not seen it grow yet. */
  table: TABLE_OFFSET / 4,
  /** Launches in it. */
  launches: CONTROL_OFFSET / 4 + 65,
  /** 1 once threads shall end. */
  quit: CONTROL_OFFSET / 4 + 66,
  /** Worker threads that have not ended. */
  alive: CONTROL_OFFSET / 4 + 67,
  /** 1 + the launch that trapped, 0 if none. */
  failed: CONTROL_OFFSET / 4 + 68,
  /** Length of the trap's message, then its UTF-16 units, one a word. */
  message: CONTROL_OFFSET / 4 + 72,
} as const;

/** The longest trap message that is kept. */
export const MESSAGE_LENGTH = 200;
