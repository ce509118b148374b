import type { BenchConfig } from "../src/train/config.ts";

/** Times kernels, the step and the ladders: `deno task bench`. */
export async function benchCommand(_config: BenchConfig): Promise<void> {
}
