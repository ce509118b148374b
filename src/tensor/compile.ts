import type { BoundLaunch, BufferSlice, Device, Program } from "../engine/device.ts";
import { CapacityError, emptyTwin } from "../engine/capacity.ts";
import type { Operand } from "../engine/launch.ts";
import { planMemory, type ScheduledOp } from "./memory_plan.ts";
import { schedule } from "./schedule.ts";
import { formatShape, sizeOf } from "./shape.ts";
import { VariableState } from "./state.ts";
import { placeInPacks, type Placement } from "./storage.ts";
import { bytesOf, type Cost, type HostArray, type Tensor } from "./tensor.ts";

/** What a plan computes: named outputs to be read, and updates of variables. */
export interface PlanRequest {
  readonly outputs?: Readonly<Record<string, Tensor>>;
  readonly updates?: readonly Tensor[];
}

/** The time and cost of one op of a plan: the sum of its launches. */
export interface ProfileRow {
  /** The op and the tensor it makes. */
  readonly label: string;
  /** Its kernels in the order in which they run. */
  readonly kernels: readonly string[];
  readonly nanoseconds: number;
  readonly cost: Cost;
}

/** An op of a plan: its cost, and how many of the plan's launches are its own. */
interface PlannedOp {
  readonly cost: Cost;
  readonly launches: number;
}

/** Facts about a compiled plan. */
export interface PlanSummary {
  readonly dispatches: number;
  readonly flops: number;
  /** Bytes of the plan's own buffers, variables excluded. */
  readonly bytes: number;
  /** Bytes that its intermediates would take without sharing. */
  readonly unsharedBytes: number;
  readonly labels: readonly string[];
}

/** A graph made ready for a device: buffers, pipelines and bind groups exist, a run allocates nothing. */
export class Plan {
  readonly summary: PlanSummary;
  readonly #state: VariableState;
  readonly #program: Program;
  readonly #feeds: ReadonlyMap<string, { node: Tensor; slice: BufferSlice }>;
  readonly #outputs: ReadonlyMap<string, { node: Tensor; slice: BufferSlice }>;
  readonly #ops: readonly PlannedOp[];
  readonly #free: () => void;

  /** Made by `compile`. */
  constructor(fields: {
    state: VariableState;
    program: Program;
    feeds: ReadonlyMap<string, { node: Tensor; slice: BufferSlice }>;
    outputs: ReadonlyMap<string, { node: Tensor; slice: BufferSlice }>;
    ops: readonly PlannedOp[];
    summary: PlanSummary;
    free: () => void;
  }) {
    this.#state = fields.state;
    this.#program = fields.program;
    this.#feeds = fields.feeds;
    this.#outputs = fields.outputs;
    this.#ops = fields.ops;
    this.summary = fields.summary;
    this.#free = fields.free;
  }

  /**
   * Uploads the named inputs and queues one run; does not wait for it.
   * An input that is not given keeps its values of the run before.
   *
   * @throws {RangeError} if a name is unknown or a length differs.
   * @throws {TypeError} if the values are of another type.
   */
  run(feeds: Readonly<Record<string, HostArray>> = {}): void {
    for (const [name, data] of Object.entries(feeds)) {
      const feed = this.#feeds.get(name);
      if (feed === undefined) {
        throw new RangeError(
          `Cannot feed ${name} as the plan has no such input: its inputs are ${[
            ...this.#feeds.keys(),
          ]}`,
        );
      }
      if (data.length !== sizeOf(feed.node.shape)) {
        throw new RangeError(
          `Cannot feed ${name} as its shape is ${
            formatShape(feed.node.shape)
          }: given ${data.length} values`,
        );
      }
      if (data instanceof Uint32Array !== (feed.node.dtype === "u32")) {
        throw new TypeError(
          `Cannot feed ${name} as it holds ${feed.node.dtype}: given a ${data.constructor.name}`,
        );
      }
      this.#state.device.write(feed.slice, data);
    }
    this.#program.run();
  }

  /** Waits for the runs queued so far and copies an output to the host. */
  async read(name: string): Promise<HostArray> {
    const output = this.#outputs.get(name);
    if (output === undefined) {
      throw new RangeError(
        `Cannot read ${name} as the plan has no such output: its outputs are ${[
          ...this.#outputs.keys(),
        ]}`,
      );
    }
    const copy = await this.#state.device.read(output.slice);
    return output.node.dtype === "u32" ? new Uint32Array(copy) : new Float32Array(copy);
  }

  /** Runs once with timestamps; one row an op. */
  async profile(): Promise<ProfileRow[]> {
    const times = await this.#program.profile();
    let next = 0;
    return this.#ops.map(({ cost, launches }) => {
      const own = times.slice(next, next += launches);
      const nanoseconds = own.reduce((sum, time) => sum + time.nanoseconds, 0);
      return { label: own[0].label, kernels: own.map((time) => time.kernel), nanoseconds, cost };
    });
  }

  /** Frees the plan's buffers; variables stay. */
  destroy(): void {
    this.#program.destroy();
    this.#free();
  }

  [Symbol.dispose](): void {
    this.destroy();
  }
}

/** A request's nodes in the order in which they run, those placed in packs, and what each op launches. */
interface Arrangement {
  readonly order: readonly Tensor[];
  readonly placed: ReadonlyMap<Tensor, Placement>;
  readonly ops: readonly ScheduledOp[];
}

function arrange(device: Device, { outputs = {}, updates = [] }: PlanRequest): Arrangement {
  const order = schedule(Object.values(outputs), updates);
  const placed = placeInPacks(order, device.alignment);
  const ops: ScheduledOp[] = [];
  for (const node of order) {
    if (node.op === undefined || node.op.storage.kind === "alias") continue;
    const list = node.op.launches(device.target);
    if (node.op.storage.kind !== "pack") ops.push({ node, list });
    else {
      // A pack launches one copy an input; those of placed inputs are not needed.
      const launches = list.launches.filter((_, i) => placed.get(node.inputs[i])?.pack !== node);
      ops.push({ node, list: { launches } });
    }
  }
  return { order, placed, ops };
}

/** True if the device could bind and hold the plan beside what it holds; allocates nothing. */
export function fitsDevice(device: Device, request: PlanRequest): boolean {
  const state = new VariableState(emptyTwin(device));
  const { order, ops, placed } = arrange(device, request);
  const kept = new Set(Object.values(request.outputs ?? {}));
  try {
    planMemory({ state, order, ops, kept, placed });
    return true;
  } catch (error) {
    if (error instanceof CapacityError) return false;
    throw error;
  }
}

/**
 * Makes a plan of a graph: schedules it, shares memory by liveness, compiles kernels, binds buffers.
 *
 * @throws {DeviceError} if a tensor exceeds a limit of the device or a kernel does not compile.
 * @throws {RangeError} if two inputs have one name.
 */
export async function compile(state: VariableState, request: PlanRequest): Promise<Plan> {
  const { device } = state;
  const outputs = Object.entries(request.outputs ?? {});
  const { order, placed, ops } = arrange(device, request);
  const feeds = order.filter((node) => node.source?.kind === "input");
  const twice = feeds.find((node, i) => feeds.findIndex(({ name }) => name === node.name) < i);
  if (twice !== undefined) {
    throw new RangeError(`Cannot compile a plan with two inputs that are called ${twice.name}`);
  }
  const kept = new Set(outputs.map(([, node]) => node));
  const memory = planMemory({ state, order, ops, kept, placed });
  const bound: BoundLaunch[] = [];
  const planned: PlannedOp[] = [];
  ops.forEach(({ node, list }, op) => {
    const slice = (operand: Operand): BufferSlice => {
      if (operand.from === "input") return memory.slice(node.inputs[operand.index]);
      return operand.from === "output" ? memory.slice(node) : memory.scratch(op, operand.index);
    };
    const { launches } = list;
    for (const launch of launches) {
      bound.push({ launch, slices: launch.buffers.map(slice), label: labelOf(node) });
    }
    if (launches.length > 0) planned.push({ cost: node.op!.cost(), launches: launches.length });
  });
  const free = () => memory.owned.forEach((buffer) => device.free(buffer));
  try {
    for (const node of order) upload(state, node, memory.slice);
    const program = await device.prepare(bound);
    const named = (name: string, node: Tensor) =>
      [name, { node, slice: memory.slice(node) }] as const;
    return new Plan({
      state,
      program,
      free,
      ops: planned,
      feeds: new Map(feeds.map((node) => named(node.name, node))),
      outputs: new Map(outputs.map(([name, node]) => named(name, node))),
      summary: {
        dispatches: program.dispatches,
        flops: planned.reduce((sum, { cost }) => sum + cost.flops, 0),
        bytes: memory.owned.reduce((sum, buffer) => sum + buffer.bytes, 0),
        unsharedBytes: memory.unsharedBytes,
        labels: bound.map(({ label }) => label),
      },
    });
  } catch (error) {
    free();
    throw error;
  }
}

/** Fills the buffers of constants. */
function upload(state: VariableState, node: Tensor, slice: (node: Tensor) => BufferSlice): void {
  const { source } = node;
  if (source?.kind === "constant") state.device.write(slice(node), source.data);
  else if (source?.kind === "fill" && source.value !== 0) {
    state.device.write(slice(node), new Float32Array(bytesOf(node) / 4).fill(source.value));
  }
}

function labelOf(node: Tensor): string {
  return `${node.op!.name} ${formatShape(node.shape)}`;
}

/** Computes one tensor of constants and variables: compile, run once, read back. */
export async function compute(state: VariableState, tensor: Tensor): Promise<HostArray> {
  using plan = await compile(state, { outputs: { tensor } });
  plan.run();
  return await plan.read("tensor");
}
