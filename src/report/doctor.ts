import { formatTable } from "../util/table.ts";
import { formatBytes, formatCount } from "../util/units.ts";

/** One WebGPU adapter. */
export interface DoctorAdapter {
  /** What the device calls itself, e.g. `llvmpipe (LLVM 15.0.6, 256 bits)`. */
  readonly name: string;
  readonly vendor: string;
  readonly driver: string;
  /** The kind that kernels are chosen by: `gpu`, `subgroup8`, `software`. */
  readonly kind: string;
  /** Whether it computes on the CPU. */
  readonly isFallback: boolean;
  readonly features: readonly string[];
  /** WebGPU's limits by name. */
  readonly limits: Readonly<Record<string, number>>;
  /** Speed of a matrix product of 512x512 by 512x512, in GFLOP/s; null if it was not measured. */
  readonly matmulGflops: number | null;
}

/** Something that is missing, with what to do about it. */
export interface DoctorProblem {
  readonly what: string;
  readonly fix: string;
}

/** The CPU engine. */
export interface DoctorCpu {
  readonly name: string;
  readonly threads: number;
  /** As of an adapter. */
  readonly matmulGflops: number;
}

/** What `deno task doctor` found. */
export interface DoctorReport {
  /** Deno's version. */
  readonly deno: string;
  /** System and architecture, e.g. `linux x86_64, Debian GNU/Linux 12 (bookworm)`. */
  readonly os: string;
  readonly cores: number;
  /** The machine's memory in bytes. */
  readonly memory: number;
  readonly cpu: DoctorCpu;
  readonly adapters: readonly DoctorAdapter[];
  readonly problems: readonly DoctorProblem[];
}

/** PCI and Khronos numbers of vendors, as Deno gives them. */
const VENDORS: Readonly<Record<string, string>> = {
  "4098": "AMD",
  "4203": "Apple",
  "4318": "NVIDIA",
  "5045": "Arm",
  "6880": "Google",
  "20803": "Qualcomm",
  "32902": "Intel",
  "65541": "Mesa",
};

const COMPUTE_LIMIT =
  /^max(Compute.*|BufferSize|BindGroups|BindingsPerBindGroup|.*BufferBindingSize)$|BuffersPerShader|OffsetAlignment/;
const BYTE_LIMIT = /(BufferSize|BindingSize|StorageSize)$/;
const FEATURE_COLUMNS = 80;

/** The report as text: of the limits only those that computing meets; the JSON has them all. */
export function formatDoctorText(report: DoctorReport): string {
  const { deno, os, cores, memory, cpu, adapters, problems } = report;
  const machine = formatTable([
    ["deno", deno],
    ["system", os],
    ["cores", String(cores)],
    ["memory", formatBytes(memory)],
  ], { heading: "Machine", indent: 2, align: "ll" });
  const engine = formatTable([
    ["name", cpu.name],
    ["matmul 512^3", `${cpu.matmulGflops.toFixed(1)} GFLOP/s`],
  ], { heading: "CPU engine", indent: 2, align: "ll" });
  const found = adapters.length === 0
    ? ["No WebGPU adapter was found."]
    : adapters.map(adapterText);
  return [machine, engine, ...found, problemsText(problems)].join("\n\n");
}

/** The report as one JSON object, indented; the type's names are its keys. */
export function formatDoctorJson(report: DoctorReport): string {
  return JSON.stringify(report, null, 2);
}

function adapterText(adapter: DoctorAdapter, index: number): string {
  const { name, vendor, driver, kind, isFallback, features, limits, matmulGflops } = adapter;
  const speed = matmulGflops === null ? "not measured" : `${matmulGflops.toFixed(1)} GFLOP/s`;
  const about = formatTable([
    ["name", orUnknown(name)],
    ["vendor", VENDORS[vendor] ?? orUnknown(vendor)],
    ["driver", orUnknown(driver)],
    ["kind", `${kind} (${isFallback ? "software, on the CPU" : "hardware"})`],
    ["matmul 512^3", speed],
    ...wrapList(features).map((line, i) => [i === 0 ? "features" : "", line]),
  ], { heading: `Adapter ${index + 1}`, indent: 2, align: "ll" });
  const shown = Object.entries(limits).filter(([limit]) => COMPUTE_LIMIT.test(limit));
  const table = formatTable(
    shown.map(([limit, value]) => [limit, formatCount(value), bytesOf(limit, value)]),
    { heading: "  limits", indent: 4, align: "lrl" },
  );
  return `${about}\n${table}`;
}

/** A limit that is a size in bytes, in larger units. */
function bytesOf(name: string, value: number): string {
  return BYTE_LIMIT.test(name) && value >= 1024 ? `(${formatBytes(value)})` : "";
}

function problemsText(problems: readonly DoctorProblem[]): string {
  if (problems.length === 0) return "All is well.";
  return problems.map(({ what, fix }) => `problem: ${what}\n    fix: ${fix}`).join("\n");
}

function wrapList(words: readonly string[]): string[] {
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > FEATURE_COLUMNS) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines.length === 0 ? ["none"] : lines;
}

function orUnknown(text: string): string {
  return text === "" ? "unknown" : text;
}
