/**
 * The three products of the reference CNN's convolutions at a batch of 4 images: the CPU engine and this
 * adapter's own kernels beside the naive ones.
 *
 *     deno bench --allow-read bench/conv_bench.ts
 */
import { benchProblem } from "./bench_problem.ts";
import { CONV1, CONV2, convProblem } from "./problems.ts";

const BATCH = 4;

await benchProblem(convProblem(CONV2, "forward", BATCH));
await benchProblem(convProblem(CONV2, "grad input", BATCH));
await benchProblem(convProblem(CONV2, "grad weight", BATCH));
await benchProblem(convProblem(CONV1, "forward", BATCH));
await benchProblem(convProblem(CONV1, "grad weight", BATCH));
