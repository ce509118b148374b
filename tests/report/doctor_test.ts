import assert from "node:assert/strict";
import { type DoctorReport, formatDoctorJson, formatDoctorText } from "../../src/report/doctor.ts";

const REPORT: DoctorReport = {
  deno: "2.9.6",
  os: "linux x86_64",
  cores: 2,
  memory: 8 * 2 ** 30,
  cpu: { name: "CPU, WebAssembly SIMD on 2 threads", threads: 2, matmulGflops: 98.76 },
  adapters: [{
    name: "llvmpipe (LLVM 15.0.6, 256 bits)",
    vendor: "65541",
    driver: "",
    kind: "subgroup8",
    isFallback: true,
    features: ["shader-f16", "timestamp-query"],
    limits: {
      maxTextureDimension1D: 16384,
      maxBufferSize: 268435456,
      maxStorageBufferBindingSize: 134217728,
      maxComputeWorkgroupStorageSize: 32768,
      maxComputeWorkgroupSizeX: 1024,
    },
    matmulGflops: 12.34,
  }],
  problems: [],
};

Deno.test("the text shows the machine, each adapter and that all is well", () => {
  assert.equal(
    formatDoctorText(REPORT),
    `Machine
  deno    2.9.6
  system  linux x86_64
  cores   2
  memory  8.00 GiB

CPU engine
  name          CPU, WebAssembly SIMD on 2 threads
  matmul 512^3  98.8 GFLOP/s

Adapter 1
  name          llvmpipe (LLVM 15.0.6, 256 bits)
  vendor        Mesa
  driver        unknown
  kind          subgroup8 (software, on the CPU)
  matmul 512^3  12.3 GFLOP/s
  features      shader-f16 timestamp-query
  limits
    maxBufferSize                   268,435,456  (256 MiB)
    maxStorageBufferBindingSize     134,217,728  (128 MiB)
    maxComputeWorkgroupStorageSize       32,768  (32.0 KiB)
    maxComputeWorkgroupSizeX              1,024

All is well.`,
  );
});

Deno.test("without an adapter the text says so, with each problem and its fix", () => {
  const text = formatDoctorText({
    ...REPORT,
    adapters: [],
    problems: [{ what: "no adapter", fix: "deno task setup" }, { what: "old", fix: "upgrade" }],
  });
  assert.ok(text.endsWith(
    "\n\nNo WebGPU adapter was found.\n\n" +
      "problem: no adapter\n    fix: deno task setup\nproblem: old\n    fix: upgrade",
  ));
});

Deno.test("hardware, no measurement, many features", () => {
  const features = Array.from({ length: 20 }, (_, i) => `feature-number-${i}`);
  const [adapter] = REPORT.adapters;
  const text = formatDoctorText({
    ...REPORT,
    adapters: [
      { ...adapter, vendor: "4318", isFallback: false, kind: "gpu", matmulGflops: null, features },
      { ...adapter, features: [] },
    ],
  });
  assert.match(text, /vendor +NVIDIA/);
  assert.match(text, /kind +gpu \(hardware\)/);
  assert.match(text, /matmul 512\^3 +not measured/);
  assert.match(text, /Adapter 2[\s\S]*features +none/);
  for (const feature of features) assert.ok(text.includes(feature));
  for (const line of text.split("\n")) assert.ok(line.length <= 100, line);
});

Deno.test("the JSON is the report", () => {
  assert.deepEqual(JSON.parse(formatDoctorJson(REPORT)), REPORT);
});
