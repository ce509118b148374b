// A local HTTP server that offers one file, well or badly.

/** How one request is answered. */
export interface Answer {
  /** Honors Range with 206; else the whole file with 200. */
  readonly range?: boolean;
  /** Breaks the connection after so many bytes of the body. */
  readonly breakAfter?: number;
  /** Sends so many bytes of the body and then nothing more. */
  readonly stallAfter?: number;
  /** Waits before each 1,000 bytes of the body, ms. */
  readonly delayMs?: number;
  /** Another status, without a body. */
  readonly status?: number;
  /** Does not answer at all. */
  readonly silent?: boolean;
  /** Leaves Content-Length out. */
  readonly chunked?: boolean;
  /** Another file in place of the offered one. */
  readonly content?: Uint8Array<ArrayBuffer>;
  /** Another Content-Range header. */
  readonly contentRange?: string;
}

/** A running server; disposed of at the end of the block. */
export interface ArchiveServer extends AsyncDisposable {
  readonly url: string;
  /** The Range header of each request, or "whole". */
  readonly requests: string[];
}

/** Serves `content`; request n is answered as the n-th of `answers`, or as the last. */
export function serveArchive(
  content: Uint8Array<ArrayBuffer>,
  answers: readonly Answer[],
): ArchiveServer {
  const requests: string[] = [];
  const stop = new AbortController();
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    signal: stop.signal,
    onListen() {},
    onError: () => new Response(null, { status: 500 }),
  }, (request) => {
    const answer = answers[Math.min(requests.length, answers.length - 1)];
    const range = request.headers.get("range");
    requests.push(range ?? "whole");
    return respond(answer.content ?? content, answer, range, stop.signal);
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/archive.tar.gz`,
    requests,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await server.finished;
    },
  };
}

async function respond(
  content: Uint8Array<ArrayBuffer>,
  answer: Answer,
  range: string | null,
  stop: AbortSignal,
): Promise<Response> {
  if (answer.silent) await stopped(stop);
  if (answer.status) return new Response(null, { status: answer.status });
  const start = answer.range && range ? Number(/^bytes=(\d+)-$/.exec(range)![1]) : 0;
  const part = content.subarray(start);
  const headers = new Headers();
  if (!answer.chunked) headers.set("content-length", String(part.length));
  if (start > 0 || answer.contentRange) {
    const all = `bytes ${start}-${content.length - 1}/${content.length}`;
    headers.set("content-range", answer.contentRange ?? all);
  }
  const status = headers.has("content-range") ? 206 : 200;
  return new Response(bodyOf(part, answer, stop), { status, headers });
}

function bodyOf(part: Uint8Array<ArrayBuffer>, answer: Answer, stop: AbortSignal) {
  const limit = answer.breakAfter ?? answer.stallAfter ?? part.length;
  let sent = 0;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (sent < limit) {
        if (answer.delayMs) await new Promise((resolve) => setTimeout(resolve, answer.delayMs));
        const end = Math.min(sent + 1000, limit);
        controller.enqueue(part.subarray(sent, end));
        sent = end;
      } else if (answer.breakAfter !== undefined) {
        // What was sent before goes out first.
        await new Promise((resolve) => setTimeout(resolve, 20));
        controller.error(new Error("broken on purpose"));
      } else {
        if (answer.stallAfter !== undefined) await stopped(stop);
        controller.close();
      }
    },
  });
}

function stopped(stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => stop.addEventListener("abort", () => resolve()));
}
