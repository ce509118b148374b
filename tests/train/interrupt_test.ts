/** Signals: before there is anything to save, the first, and the second. */
import assert from "node:assert/strict";
import {
  exitCodeOf,
  InterruptedError,
  type Interrupts,
  type InterruptSignal,
  listenForInterrupts,
} from "../../src/train/interrupt.ts";

class Exit extends Error {
  constructor(readonly code: number | undefined) {
    super(`exit ${code}`);
  }
}

/** Listens with signals that the test sends itself, and an exit that it sees. */
function listen(
  body: (send: (name: InterruptSignal) => void, told: string[], all: Interrupts) => void,
) {
  const { addSignalListener, removeSignalListener, exit } = Deno;
  const listeners = new Map<string, () => void>();
  Deno.addSignalListener = (name, listener) => void listeners.set(name, listener);
  Deno.removeSignalListener = (name, listener) => {
    assert.equal(listeners.get(name), listener);
    listeners.delete(name);
  };
  Deno.exit = (code) => {
    throw new Exit(code);
  };
  const told: string[] = [];
  try {
    {
      using interrupts = listenForInterrupts((name) => told.push(name));
      const send = (name: InterruptSignal) => (listeners.get(name) ?? assert.fail(name))();
      body(send, told, interrupts);
    }
    assert.equal(listeners.size, 0, "no listener is left");
  } finally {
    Object.assign(Deno, { addSignalListener, removeSignalListener, exit });
  }
}

const CODES = { SIGINT: 130, SIGTERM: 143 } as const;

for (const name of Object.keys(CODES) as InterruptSignal[]) {
  const code = CODES[name];
  Deno.test({
    name: `${name}: ends at once before there is anything to save, and the second time`,
    ignore: Deno.build.os === "windows" && name !== "SIGINT",
    fn() {
      assert.equal(exitCodeOf(name), code);
      listen((send, told, { signal }) => {
        assert.throws(() => send(name), { message: `exit ${code}` });
        assert.deepEqual([told, signal.aborted], [[], false]);
      });
      listen((send, told, { signal, arm }) => {
        arm();
        send(name);
        assert.deepEqual([told, signal.aborted], [[name], true]);
        const { reason } = signal;
        assert.ok(reason instanceof InterruptedError);
        assert.deepEqual([reason.signal, reason.exitCode], [name, code]);
        // Any second one, and by its own code.
        for (const second of [name, "SIGINT"] as const) {
          assert.throws(() => send(second), { message: `exit ${CODES[second]}` });
        }
        assert.deepEqual([told, signal.reason], [[name], reason]);
      });
    },
  });
}
