import assert from "node:assert/strict";
import { adviceFor, installCommand, parseOsRelease } from "../../src/webgpu/install.ts";
import { type Machine, setup } from "../../src/webgpu/setup.ts";

const DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nID=debian\n';
const APT = "apt-get install -y --no-install-recommends mesa-vulkan-drivers libvulkan1";

Deno.test("every system gets its own command", () => {
  const cases: [string, string][] = [
    [DEBIAN, APT],
    ['NAME="Ubuntu"\nID=ubuntu\nID_LIKE=debian\n', APT],
    ["ID=linuxmint\nID_LIKE='ubuntu debian'\n", APT],
    ["ID=raspbian\nID_LIKE=debian", APT],
    ["ID=fedora\n", "dnf install mesa-vulkan-drivers vulkan-loader"],
    ['ID="rocky"\nID_LIKE="rhel centos fedora"', "dnf install mesa-vulkan-drivers vulkan-loader"],
    ["ID=arch", "pacman -S vulkan-swrast vulkan-icd-loader"],
    ["ID=manjaro\nID_LIKE=arch", "pacman -S vulkan-swrast vulkan-icd-loader"],
    ["ID=alpine", "apk add mesa-vulkan-swrast vulkan-loader"],
    [
      'ID="opensuse-tumbleweed"\nID_LIKE="opensuse suse"',
      "zypper install libvulkan_lvp libvulkan1",
    ],
    ['ID="opensuse-slowroll"', "zypper install libvulkan_lvp libvulkan1"],
    ['ID="void"', "xbps-install mesa-vulkan-lavapipe vulkan-loader"],
  ];
  for (const [osRelease, command] of cases) {
    assert.equal(installCommand(osRelease, true).command, command, osRelease);
    const user = installCommand(osRelease, false);
    assert.equal(user.command, `sudo ${command}`);
    assert.equal(user.advice, `run \`sudo ${command}\``);
    assert.equal(user.automatic, false);
  }
});

Deno.test("only Debian's kin is installed on, and only by root", () => {
  assert.equal(installCommand(DEBIAN, true).automatic, true);
  assert.equal(installCommand("ID=ubuntu\nID_LIKE=debian", true).automatic, true);
  assert.equal(installCommand(DEBIAN, false).automatic, false);
  assert.equal(installCommand("ID=fedora", true).automatic, false);
});

Deno.test("an unknown system gets words instead of a command", () => {
  for (const osRelease of ["", "ID=plan9", "ID=toString", "# ID=debian"]) {
    const { command, advice, automatic } = installCommand(osRelease, true);
    assert.deepEqual([command, automatic], [null, false]);
    assert.match(advice, /^install the Vulkan loader/);
  }
  assert.match(adviceFor("darwin"), /Metal/);
  assert.match(adviceFor("windows"), /DirectX 12/);
  assert.match(adviceFor("freebsd"), /freebsd$/);
});

Deno.test("os-release is read with its quotes and escapes", () => {
  assert.deepEqual(parseOsRelease(`# c\nID=a\nNAME="A \\"B\\" \\$C"\n\nX='y z'\r\nbad line\n`), {
    ID: "a",
    NAME: 'A "B" $C',
    X: "y z",
  });
});

interface Scene {
  readonly os?: Machine["os"];
  readonly osRelease?: string;
  readonly isRoot?: boolean;
  readonly adapter?: boolean;
  readonly adapterAfterwards?: boolean;
  /** What each call of apt-get gives. */
  readonly apt?: readonly { success: boolean; output: string }[];
}

/** Runs setup on a machine of paper: gives the calls of apt-get, the lines printed, the error. */
async function play(scene: Scene) {
  const calls: string[] = [];
  const lines: string[] = [];
  let error: unknown;
  const machine: Machine = {
    os: scene.os ?? "linux",
    hasAdapter: () => Promise.resolve(scene.adapter ?? false),
    hasAdapterNow: () => Promise.resolve(scene.adapterAfterwards ?? true),
    osRelease: () => scene.osRelease ?? DEBIAN,
    isRoot: () => scene.isRoot ?? true,
    aptGet: (args) => {
      calls.push(args.join(" "));
      return Promise.resolve(scene.apt?.[calls.length - 1] ?? { success: true, output: "" });
    },
    print: (line) => void lines.push(line),
  };
  try {
    await setup(machine);
  } catch (thrown) {
    error = thrown;
  }
  return { calls, lines, error };
}

const INSTALL = APT.replace("apt-get ", "");
const FAILED = { success: false, output: "noise\nE: Unable to locate package libvulkan1\n" };
const DONE = { success: true, output: "" };

Deno.test("where there is an adapter nothing is done or said", async () => {
  assert.deepEqual(await play({ adapter: true }), { calls: [], lines: [], error: undefined });
});

Deno.test("root on Debian: the driver is installed, and setup says so", async () => {
  const { calls, lines, error } = await play({});
  assert.equal(error, undefined);
  assert.deepEqual(calls, [INSTALL]);
  assert.deepEqual(lines, [
    "No WebGPU adapter found: installing mesa-vulkan-drivers and libvulkan1 with apt-get",
    "Installed: a software adapter is there",
  ]);
});

Deno.test("the lists of packages are fetched if the install fails without", async () => {
  const { calls, error } = await play({ apt: [FAILED, DONE, DONE] });
  assert.equal(error, undefined);
  assert.deepEqual(calls, [INSTALL, "update", INSTALL]);
});

Deno.test("an install that fails is an error with apt-get's reason and the command", async () => {
  const { error } = await play({ apt: [FAILED, DONE, FAILED] });
  assert.ok(error instanceof Error);
  assert.deepEqual({ ...error, message: error.message }, {
    name: "DeviceError",
    message: "apt-get could not install mesa-vulkan-drivers: Unable to locate package libvulkan1",
    hint: `check the network and run \`apt-get update && ${APT}\``,
    exitCode: 1,
  });
  const offline = {
    success: true,
    output: "W: Failed to fetch http://x/  Could not connect\nW: old",
  };
  const second = await play({ apt: [FAILED, offline, FAILED] });
  assert.match(String(second.error), /drivers: Failed to fetch http:\/\/x\/ {2}Could not connect$/);
});

Deno.test("an install that does not help is an error that names what may hide the driver", async () => {
  const { error } = await play({ adapterAfterwards: false });
  assert.ok(error instanceof Error && "hint" in error);
  assert.equal(error.message, "no WebGPU adapter found, although mesa-vulkan-drivers is installed");
  assert.match(String(error.hint), /VK_DRIVER_FILES/);
});

Deno.test("elsewhere the command is named, and nothing is run", async () => {
  const cases: [Scene, RegExp][] = [
    [{ isRoot: false }, /^run `sudo apt-get install -y /],
    [{ osRelease: "ID=fedora" }, /^run `dnf install /],
    [{ osRelease: "" }, /^install the Vulkan loader/],
    [{ os: "darwin" }, /Metal/],
    [{ os: "windows" }, /DirectX/],
  ];
  for (const [scene, hint] of cases) {
    const { calls, lines, error } = await play(scene);
    assert.ok(error instanceof Error && "hint" in error && error.name === "DeviceError");
    assert.equal(error.message, "no WebGPU adapter found");
    assert.match(String(error.hint), hint);
    assert.deepEqual([calls, lines], [[], []]);
  }
});
