// A worker thread that decodes, as the main thread sees it.

import { Worker } from "node:worker_threads";
import { DataError, UserError } from "../../util/errors.ts";
import { CancelledError } from "../queues/errors.ts";
import type { DecodeReply, DecodeTask } from "./decode_worker.ts";

/** How to start a thread. */
export interface DecodeThreadOptions {
  /** Appears in errors. */
  readonly name: string;
  /** The worker's module. */
  readonly module: URL;
  /** An image that takes longer than this is damaged, ms. */
  readonly stallMs: number;
}

/** Gives files to a worker, one at a time, and notices when it fails, ends or stands still. */
export class DecodeThread {
  readonly name: string;
  readonly #worker: Worker;
  readonly #stallMs: number;
  #reply = Promise.withResolvers<DecodeReply>();
  /** Why the worker is of no more use; kept for the next file, as nobody may be waiting now. */
  #failure: Error | undefined;

  constructor({ name, module, stallMs }: DecodeThreadOptions) {
    this.name = name;
    this.#stallMs = stallMs;
    this.#worker = new Worker(module);
    this.#worker.on("message", (reply: DecodeReply) => this.#reply.resolve(reply));
    this.#worker.on("error", (error) => this.#fail(error));
    this.#worker.on("exit", (code) => this.#fail(new Error(`it ended with code ${code}`)));
    this.#reply.promise.catch(() => {});
  }

  /**
   * The planes of an image, or what is wrong with its file.
   *
   * @throws {UserError} if the system refuses the file and that is to be thrown, or it takes too long
   * @throws {Error} with the worker's message and stack, if that failed or ended
   */
  async decode(
    { refused, ...task }: DecodeTask & { readonly refused: "throw" | "give" },
  ): Promise<Uint8Array<ArrayBuffer> | DataError> {
    if (this.#failure !== undefined) throw this.#failed(task, this.#failure);
    this.#worker.postMessage(task);
    const timer = setTimeout(() => this.#reply.reject(this.#stalled(task)), this.#stallMs);
    let reply: DecodeReply;
    try {
      reply = await this.#reply.promise;
    } catch (error) {
      if (error instanceof UserError || error instanceof CancelledError) throw error;
      throw this.#failed(task, error as Error);
    } finally {
      clearTimeout(timer);
    }
    this.#reply = Promise.withResolvers();
    this.#reply.promise.catch(() => {});
    if (reply.kind === "pixels") return reply.pixels;
    if (reply.kind === "error") throw this.#failed(task, reply);
    const { message, hint } = reply;
    if (reply.kind === "damaged" || refused === "give") return new DataError(message, { hint });
    throw new UserError(message, { hint });
  }

  /** Ends the worker, at once; whoever waits for it gets a CancelledError. */
  async terminate(): Promise<void> {
    this.#reply.reject(new CancelledError(`${this.name} was ended`));
    await this.#worker.terminate();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#reply.reject(error);
  }

  #stalled({ path }: DecodeTask): DataError {
    return new DataError(
      `Cannot decode ${path}: ${this.name} was not done after ${this.#stallMs / 1000} s`,
      { hint: "scale the image down, or remove it" },
    );
  }

  #failed({ path }: DecodeTask, cause: { message: string; stack?: string }): Error {
    const error = new Error(`Cannot decode ${path}: ${this.name} failed: ${cause.message}`, {
      cause,
    });
    if (cause.stack) error.stack = `${error.message}\n${cause.stack}`;
    return error;
  }
}
