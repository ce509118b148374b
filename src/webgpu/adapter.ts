import type { AdapterKind } from "../engine/launch.ts";
import { DeviceError } from "../util/errors.ts";

/** Which adapter the user wants: any, a hardware one, or a software one. */
export type AdapterChoice = "auto" | "gpu" | "software";

/** An adapter and what was found out about it. */
export interface FoundAdapter {
  readonly adapter: GPUAdapter;
  /** The driver's name for it. */
  readonly description: string;
  readonly isSoftware: boolean;
  readonly hasSubgroups: boolean;
  readonly kind: AdapterKind;
}

/** What to do when there is no adapter. */
export const NO_ADAPTER_HINT =
  "run `deno task setup`, which installs a software adapter or says how";

/**
 * Finds an adapter. Hardware comes first: without "high-performance" Deno takes the first one listed,
 * which may be a software adapter beside a GPU.
 *
 * @throws {DeviceError} if there is none of the wanted sort.
 */
export async function findAdapter(choice: AdapterChoice): Promise<FoundAdapter> {
  const adapter = await navigator.gpu?.requestAdapter({
    powerPreference: "high-performance",
    forceFallbackAdapter: choice === "software",
  });
  if (!adapter) {
    throw new DeviceError(`no ${choice === "software" ? "software " : ""}WebGPU adapter found`, {
      hint: NO_ADAPTER_HINT,
    });
  }
  const { info } = adapter;
  const description = info.description || info.device || info.vendor || "unnamed adapter";
  const isSoftware = info.isFallbackAdapter ||
    /llvmpipe|swiftshader|software|basic render/i.test(description);
  if (choice === "gpu" && isSoftware) {
    throw new DeviceError(`no hardware adapter found: the best one is ${description}`, {
      hint: "install the GPU's Vulkan driver, or use --device software",
    });
  }
  const hasSubgroups = await probeSubgroups(adapter);
  return {
    adapter,
    description,
    isSoftware,
    hasSubgroups,
    kind: kindOf(info, isSoftware, hasSubgroups),
  };
}

/**
 * Deno leaves "subgroups" out of `adapter.features` even where a device can have it, so it is asked for.
 */
async function probeSubgroups(adapter: GPUAdapter): Promise<boolean> {
  try {
    const device = await adapter.requestDevice({
      requiredFeatures: ["subgroups" as GPUFeatureName],
    });
    device.destroy();
    return true;
  } catch {
    return false;
  }
}

function kindOf(info: GPUAdapterInfo, isSoftware: boolean, hasSubgroups: boolean): AdapterKind {
  if (!isSoftware) return "gpu";
  const exactlyEight = info.subgroupMinSize === 8 && info.subgroupMaxSize === 8;
  return hasSubgroups && exactlyEight ? "subgroup8" : "software";
}
