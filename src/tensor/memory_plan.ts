import type { BufferSlice, Device, DeviceBuffer } from "../engine/device.ts";
import type { LaunchList } from "../engine/launch.ts";
import { CapacityError } from "../engine/capacity.ts";
import { baseOf } from "./schedule.ts";
import { formatShape, sizeOf } from "./shape.ts";
import type { VariableState } from "./state.ts";
import { assignBlocks, type Interval, type Placement } from "./storage.ts";
import { bytesOf, type Tensor } from "./tensor.ts";

/** A node that launches something, with its launches. */
export interface ScheduledOp {
  readonly node: Tensor;
  readonly list: LaunchList;
}

/** The memory of a plan: a slice for every node and every scratch buffer. */
export interface MemoryPlan {
  slice(node: Tensor): BufferSlice;
  scratch(op: number, index: number): BufferSlice;
  /** Buffers that belong to the plan and are freed with it. */
  readonly owned: readonly DeviceBuffer[];
  /** Bytes that the intermediate values would take without sharing. */
  readonly unsharedBytes: number;
}

/** What `planMemory` is given. */
export interface MemoryRequest {
  readonly state: VariableState;
  readonly order: readonly Tensor[];
  readonly ops: readonly ScheduledOp[];
  /** Nodes whose values must outlive the run. */
  readonly kept: ReadonlySet<Tensor>;
  readonly placed: ReadonlyMap<Tensor, Placement>;
}

/** Gives every node its memory: variables theirs, intermediates by liveness, packs and kept nodes a buffer of their own. */
export function planMemory({ state, order, ops, kept, placed }: MemoryRequest): MemoryPlan {
  const { device } = state;
  const owned: DeviceBuffer[] = [];
  const buffers = new Map<Tensor, DeviceBuffer>();
  const allocate = (bytes: number, label: string): DeviceBuffer => {
    checkBinding(device, bytes, label);
    const buffer = device.allocate(bytes, label);
    owned.push(buffer);
    return buffer;
  };
  const lastUse = lastUses(order, ops);
  const position = new Map(ops.map((op, i) => [op.node, i]));
  const intervals: Interval[] = [];
  const tenants: (Tensor | { op: number; index: number })[] = [];
  const keptBases = new Set([...kept].map(baseOf));
  try {
    for (const node of order) {
      const kind = node.op?.storage.kind;
      if (node.source !== undefined) {
        if (node.source.kind === "variable") {
          checkBinding(device, bytesOf(node), node.name);
          buffers.set(node, state.buffer(node));
        } else {
          buffers.set(node, allocate(bytesOf(node), `${node.source.kind} ${node.name}`));
        }
      } else if (kind === "pack" || (kind === "own" && keptBases.has(node) && !placed.has(node))) {
        buffers.set(node, allocate(bytesOf(node), `kept ${node.name}`));
      } else if (kind === "own" && !placed.has(node)) {
        checkBinding(device, bytesOf(node), `${node.name} ${formatShape(node.shape)}`);
        const first = position.get(node)!;
        intervals.push({ bytes: bytesOf(node), first, last: lastUse.get(node) ?? first });
        tenants.push(node);
      }
    }
    ops.forEach(({ list }, op) =>
      list.scratchBytes?.forEach((bytes, index) => {
        checkBinding(device, bytes, `scratch of ${ops[op].node.name}`);
        intervals.push({ bytes, first: op, last: op });
        tenants.push({ op, index });
      })
    );
    const { blocks, blockOf } = assignBlocks(intervals);
    const blockBuffers = blocks.map((bytes) => allocate(bytes, "shared"));
    const scratches = new Map<string, BufferSlice>();
    tenants.forEach((tenant, i) => {
      const buffer = blockBuffers[blockOf[i]];
      if ("op" in tenant && "index" in tenant) {
        const slice = { buffer, offset: 0, bytes: intervals[i].bytes };
        scratches.set(`${tenant.op}.${tenant.index}`, slice);
      } else buffers.set(tenant as Tensor, buffer);
    });
    return {
      owned,
      unsharedBytes: intervals.reduce((sum, { bytes }) => sum + bytes, 0),
      slice: (node) => sliceOf(node, buffers, placed),
      scratch: (op, index) => scratches.get(`${op}.${index}`)!,
    };
  } catch (error) {
    for (const buffer of owned) device.free(buffer);
    throw error;
  }
}

/** The last launch that reads each memory owner, through whatever view. */
function lastUses(order: readonly Tensor[], ops: readonly ScheduledOp[]): Map<Tensor, number> {
  const position = new Map(ops.map((op, i) => [op.node, i]));
  const last = new Map<Tensor, number>();
  for (const node of order) {
    const at = position.get(node);
    if (at === undefined) continue;
    for (const input of node.inputs) last.set(baseOf(input), at);
  }
  return last;
}

function sliceOf(
  node: Tensor,
  buffers: ReadonlyMap<Tensor, DeviceBuffer>,
  placed: ReadonlyMap<Tensor, Placement>,
): BufferSlice {
  let offset = 0;
  let base = node;
  for (;;) {
    const storage = base.op?.storage;
    if (storage?.kind === "alias") offset += storage.offset;
    else if (storage?.kind !== "in-place") break;
    base = base.inputs[0];
  }
  const placement = placed.get(base);
  if (placement !== undefined) {
    offset += placement.offset;
    base = placement.pack;
  }
  return { buffer: buffers.get(base)!, offset: offset * 4, bytes: sizeOf(node.shape) * 4 };
}

/** The bytes that a launch binds for a tensor: kernels that view it as vec4 need whole ones. */
function bindingBytes(bytes: number): number {
  return Math.ceil(bytes / 16) * 16;
}

function checkBinding(device: Device, bytes: number, label: string): void {
  const needed = bindingBytes(bytes);
  if (needed > device.maxBindingBytes) {
    throw new CapacityError(
      `Cannot bind ${label} as the device's limit for one buffer is ${device.maxBindingBytes} bytes: it needs ${needed}`,
    );
  }
}
