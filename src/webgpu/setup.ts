/**
 * `deno task setup`: makes sure that there is a WebGPU adapter, on Debian and its kin as root by
 * installing Mesa's software driver, elsewhere by naming the command. Exits with 1 if there is none.
 *
 * Permissions: --allow-env=XDG_RUNTIME_DIR,DENO_WEBGPU_BACKEND --allow-read=/etc/os-release --allow-run=apt-get
 * --allow-sys=uid
 */
import { DeviceError, UserError } from "../util/errors.ts";
import { prepareEnvironment } from "./environment.ts";
import { adviceFor, DEBIAN_PACKAGES, installCommand } from "./install.ts";

/** What setup asks of the machine, so that tests may stand in for it. */
export interface Machine {
  readonly os: typeof Deno.build.os;
  /** Whether this process finds an adapter; asked once, as Deno remembers the answer. */
  hasAdapter(): Promise<boolean>;
  /** Whether a fresh look finds one, after something was installed. */
  hasAdapterNow(): Promise<boolean>;
  /** The text of /etc/os-release, empty if there is none. */
  osRelease(): string;
  isRoot(): boolean;
  /** Runs apt-get, showing nothing; gives what it printed. */
  aptGet(args: readonly string[]): Promise<{ readonly success: boolean; readonly output: string }>;
  print(line: string): void;
}

/**
 * Makes sure that there is an adapter.
 *
 * @throws {DeviceError} if there is none and none can be installed; the hint says how to get one
 */
export async function setup(machine: Machine): Promise<void> {
  if (await machine.hasAdapter()) return;
  if (machine.os !== "linux") {
    throw new DeviceError("no WebGPU adapter found", { hint: adviceFor(machine.os) });
  }
  const { command, advice, automatic } = installCommand(machine.osRelease(), machine.isRoot());
  if (!automatic || command === null) {
    throw new DeviceError("no WebGPU adapter found", { hint: advice });
  }

  machine.print(
    `No WebGPU adapter found: installing ${DEBIAN_PACKAGES.join(" and ")} with apt-get`,
  );
  await install(machine, command);
  if (!await machine.hasAdapterNow()) {
    throw new DeviceError(`no WebGPU adapter found, although ${DEBIAN_PACKAGES[0]} is installed`, {
      hint: "check that VK_DRIVER_FILES, VK_ICD_FILENAMES and DENO_WEBGPU_BACKEND are unset",
    });
  }
  machine.print("Installed: a software adapter is there");
}

/** The lists of packages are fetched only if the install fails without: missing or out of date. */
async function install(machine: Machine, command: string): Promise<void> {
  const args = ["install", "-y", "--no-install-recommends", ...DEBIAN_PACKAGES];
  if ((await machine.aptGet(args)).success) return;
  machine.print("Fetching the lists of packages (apt-get update)");
  const update = await machine.aptGet(["update"]);
  const { success, output } = await machine.aptGet(args);
  if (success) return;
  const reason = lastError(update.output) || lastError(output) || "it gave no reason";
  throw new DeviceError(`apt-get could not install ${DEBIAN_PACKAGES[0]}: ${reason}`, {
    hint: `check the network and run \`apt-get update && ${command}\``,
  });
}

/** The last line in which apt-get names an error; that no list could be fetched is but a warning. */
function lastError(output: string): string {
  const line = output.split("\n").findLast((line) => /^(E: |W: Failed to fetch )/.test(line));
  return line?.slice(3).trim() ?? "";
}

/** The machine that this process runs on. */
function thisMachine(): Machine {
  return {
    os: Deno.build.os,
    hasAdapter: async () => (await navigator.gpu.requestAdapter()) !== null,
    hasAdapterNow: probeInWorker,
    osRelease() {
      try {
        return Deno.readTextFileSync("/etc/os-release");
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) return "";
        throw error;
      }
    },
    isRoot: () => Deno.uid() === 0,
    async aptGet(args) {
      try {
        const { success, stdout, stderr } = await new Deno.Command("apt-get", {
          args: [...args],
          env: { DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C" },
          stdin: "null",
        }).output();
        const text = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("\n");
        return { success, output: text };
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
        return { success: false, output: "E: there is no apt-get" };
      }
    },
    print: (line) => console.log(line),
  };
}

/**
 * Deno looks for drivers once an isolate and remembers that there were none; a worker is an isolate
 * of its own. Its source is data, so that it needs no permission to read.
 */
function probeInWorker(): Promise<boolean> {
  const source = "navigator.gpu.requestAdapter().then((adapter) => postMessage(adapter !== null))";
  const url = `data:application/javascript,${encodeURIComponent(source)}`;
  const worker = new Worker(url, { type: "module" });
  return new Promise<boolean>((resolve) => {
    worker.onmessage = ({ data }) => resolve(data === true);
    worker.onerror = (event) => {
      event.preventDefault();
      resolve(false);
    };
  }).finally(() => worker.terminate());
}

if (import.meta.main) {
  prepareEnvironment();
  try {
    await setup(thisMachine());
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    console.error(`error: ${error.message}`);
    console.error(`hint: ${error.hint}`);
    Deno.exit(error.exitCode);
  }
}
