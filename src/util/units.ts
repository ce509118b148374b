const BINARY = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB"];
const DECIMAL = ["", "K", "M", "G", "T", "P"];

/** Bytes for people: `512 bytes`, `1.50 KiB`, `129 MiB`; three significant digits. */
export function formatBytes(bytes: number): string {
  const [value, unit] = scale(bytes, 1024, BINARY);
  return unit === "bytes" ? `${value} ${value === 1 ? "byte" : unit}` : `${digits3(value)} ${unit}`;
}

/** A whole number with thousands separated: `1,068,298`. */
export function formatCount(count: number): string {
  const [whole, fraction] = String(count).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** A count for people, up to four significant digits: `864`, `18.47 M`, `5.214 G`. */
export function formatShort(count: number): string {
  const [value, unit] = scale(count, 1000, DECIMAL);
  if (unit === "") return String(value);
  const size = Math.abs(value);
  const digits = size >= 999.5 ? 0 : size >= 99.995 ? 1 : size >= 9.9995 ? 2 : 3;
  return `${value.toFixed(digits)} ${unit}`;
}

/** Floating-point operations for people: `14.2 GFLOP`. */
export function formatFlops(flops: number): string {
  const [value, unit] = scale(flops, 1000, DECIMAL);
  return `${digits3(value)} ${unit}FLOP`;
}

/** Floating-point operations a second for people: `14.2 GFLOP/s`. */
export function formatFlopRate(flopsPerSecond: number): string {
  return `${formatFlops(flopsPerSecond)}/s`;
}

/** Bytes a second for people, in decimal units as vendors quote them: `25.6 GB/s`. */
export function formatByteRate(bytesPerSecond: number): string {
  const [value, unit] = scale(bytesPerSecond, 1000, DECIMAL);
  return `${digits3(value)} ${unit}B/s`;
}

/** Seconds for people: `850 ns`, `4.20 ms`, `12.3 s`, `3 min 05 s`, `1 h 02 min`, `2 d 03 h`. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "unknown";
  if (seconds < 0) return `-${formatDuration(-seconds)}`;
  if (seconds === 0) return "0 s";
  if (seconds < 0.9995e-6) return `${digits3(seconds * 1e9)} ns`;
  if (seconds < 0.9995e-3) return `${digits3(seconds * 1e6)} us`;
  if (seconds < 0.9995) return `${digits3(seconds * 1e3)} ms`;
  if (seconds < 59.95) return `${digits3(seconds)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad2(whole % 60)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ${pad2(minutes % 60)} min`;
  const hours = Math.round(seconds / 3600);
  return `${Math.floor(hours / 24)} d ${pad2(hours % 24)} h`;
}

/** The time left as on a clock: `0:42`, `12:05`, `3:07:09`; `-:--` while it is unknown. */
export function formatEta(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return "-:--";
  const whole = Math.round(seconds);
  const clock = `${pad2(Math.floor(whole / 60) % 60)}:${pad2(whole % 60)}`;
  const hours = Math.floor(whole / 3600);
  return hours > 0 ? `${hours}:${clock}` : clock.replace(/^0/, "");
}

/** `value` with `digits` digits behind the point, filled with spaces on the left to `width`. */
export function fixed(value: number, digits: number, width = 0): string {
  return value.toFixed(digits).padStart(width);
}

/** A share of one as a percentage: `0.123` is `12.3 %`. */
export function formatShare(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** Divides by `base` until three digits are enough, so that 999,999 becomes 1.00 of the next unit. */
function scale(value: number, base: number, units: readonly string[]): [number, string] {
  let index = 0;
  let scaled = value;
  while (Math.abs(scaled) >= base - (index === 0 ? 0 : 0.5) && index < units.length - 1) {
    scaled /= base;
    index++;
  }
  return [scaled, units[index]];
}

function digits3(value: number): string {
  const size = Math.abs(value);
  if (size >= 99.95) return value.toFixed(0);
  if (size >= 9.995) return value.toFixed(1);
  return value.toFixed(2);
}

function pad2(value: number): string {
  return String(value).padStart(2, "0");
}
