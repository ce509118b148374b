/**
 * The matrix product: the CPU engine and this adapter's own kernels beside the naive ones.
 *
 *     deno bench --allow-read bench/matmul_bench.ts
 */
import { benchProblem } from "./bench_problem.ts";
import { matmulProblem } from "./problems.ts";

for (const size of [256, 512]) await benchProblem(matmulProblem(size));
