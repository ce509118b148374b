import type { Launch } from "../engine/launch.ts";
import type { KernelName } from "./kernel.ts";
import { KERNELS, LIBRARIES } from "./kernels.gen.ts";
import type { KernelInterface } from "./reflect.ts";
import { debug } from "../util/debug.ts";
import { expandSource } from "./source.ts";

/** A compiled kernel with the bind group layout that its WGSL declares. */
export interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  readonly hasParams: boolean;
}

/** Compiles each (kernel, overrides, lines) once per device. */
export class PipelineCache {
  readonly #device: GPUDevice;
  readonly #pipelines = new Map<string, Pipeline>();
  readonly #modules = new Map<string, GPUShaderModule>();
  readonly #layouts = new Map<string, GPUBindGroupLayout>();

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** Pipelines compiled so far. */
  get size(): number {
    return this.#pipelines.size;
  }

  /** The pipeline of a launch; compiled at the first call. Errors surface in the caller's error scope. */
  get(launch: Launch): Pipeline {
    const name = launch.kernel as KernelName;
    const spec: KernelInterface & { source: string } = KERNELS[name];
    const key = JSON.stringify([name, launch.overrides, launch.lines]);
    const found = this.#pipelines.get(key);
    if (found !== undefined) return found;
    const hasParams = Object.keys(spec.params).length > 0;
    const layout = this.#layout(spec.access, hasParams);
    const made: Pipeline = {
      layout,
      hasParams,
      pipeline: this.#device.createComputePipeline({
        label: name,
        layout: this.#device.createPipelineLayout({ bindGroupLayouts: [layout] }),
        compute: {
          module: this.#module(name, spec.source, launch.lines),
          entryPoint: "main",
          constants: constants(spec, launch.overrides),
        },
      }),
    };
    this.#pipelines.set(key, made);
    return made;
  }

  /** Drops what `get` made of a launch that does not compile, so that a second try says why, too. */
  forget({ kernel, overrides, lines }: Launch): void {
    this.#pipelines.delete(JSON.stringify([kernel, overrides, lines]));
    this.#modules.delete(JSON.stringify([kernel, lines]));
  }

  #module(name: string, source: string, lines: Launch["lines"]): GPUShaderModule {
    const key = JSON.stringify([name, lines]);
    let module = this.#modules.get(key);
    if (module === undefined) {
      const code = expandSource(source, { uses: LIBRARIES, lines });
      debug(4, () => `// ${name} ${JSON.stringify(lines)}\n${code}`);
      module = this.#device.createShaderModule({ label: name, code });
      this.#modules.set(key, module);
    }
    return module;
  }

  /** An explicit layout: `"auto"` would drop the bindings that a specialization does not use. */
  #layout(access: KernelInterface["access"], hasParams: boolean): GPUBindGroupLayout {
    const key = JSON.stringify([access, hasParams]);
    let layout = this.#layouts.get(key);
    if (layout === undefined) {
      const entries: GPUBindGroupLayoutEntry[] = access.map((mode, binding) => ({
        binding,
        visibility: GPUShaderStage.COMPUTE,
        buffer: { type: mode === "read" ? "read-only-storage" : "storage" },
      }));
      if (hasParams) {
        entries.push({
          binding: access.length,
          visibility: GPUShaderStage.COMPUTE,
          buffer: { type: "uniform" },
        });
      }
      layout = this.#device.createBindGroupLayout({ entries });
      this.#layouts.set(key, layout);
    }
    return layout;
  }
}

/** An override that the library lines of a shader declare but its entry point never reads is dropped by naga: pass only known names. */
function constants(
  spec: KernelInterface,
  overrides: Launch["overrides"],
): Record<string, number> {
  return Object.fromEntries(
    Object.keys(spec.overrides).map((name) => [name, Number(overrides[name])]),
  );
}
