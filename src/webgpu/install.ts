/** What a system needs to have a software adapter. */
export interface InstallPlan {
  /** The command to type; null where none is known. */
  readonly command: string | null;
  /** What to do, one line: the command or what to look for. */
  readonly advice: string;
  /** Whether kiln may run it: on Debian and its kin as root. */
  readonly automatic: boolean;
}

/** The packages of Debian and its kin: Mesa's drivers, of which llvmpipe needs no GPU, and the loader. */
export const DEBIAN_PACKAGES = ["mesa-vulkan-drivers", "libvulkan1"] as const;

/** The install command of each family of Linux, by `ID` or `ID_LIKE` of its os-release file. */
const COMMANDS: Readonly<Record<string, string>> = {
  fedora: "dnf install mesa-vulkan-drivers vulkan-loader",
  rhel: "dnf install mesa-vulkan-drivers vulkan-loader",
  arch: "pacman -S vulkan-swrast vulkan-icd-loader",
  alpine: "apk add mesa-vulkan-swrast vulkan-loader",
  suse: "zypper install libvulkan_lvp libvulkan1",
  opensuse: "zypper install libvulkan_lvp libvulkan1",
  void: "xbps-install mesa-vulkan-lavapipe vulkan-loader",
};

/**
 * How to get a software adapter on a Linux.
 *
 * @param osRelease the text of /etc/os-release; empty if there is none
 */
export function installCommand(osRelease: string, isRoot: boolean): InstallPlan {
  const fields = parseOsRelease(osRelease);
  const families = [fields.ID ?? "", ...(fields.ID_LIKE ?? "").split(" ")];
  const sudo = isRoot ? "" : "sudo ";
  if (families.includes("debian") || families.includes("ubuntu")) {
    const install = `apt-get install -y --no-install-recommends ${DEBIAN_PACKAGES.join(" ")}`;
    return plan(sudo + install, isRoot);
  }
  for (const family of families) {
    // openSUSE calls itself opensuse-leap, opensuse-tumbleweed and so on.
    const key = Object.hasOwn(COMMANDS, family) ? family : family.split("-")[0];
    if (!Object.hasOwn(COMMANDS, key)) continue;
    return plan(sudo + COMMANDS[key], false);
  }
  return {
    command: null,
    advice: "install the Vulkan loader and Mesa's Vulkan drivers (lavapipe) of this system",
    automatic: false,
  };
}

function plan(command: string, automatic: boolean): InstallPlan {
  return { command, advice: `run \`${command}\``, automatic };
}

/** What to check where the graphics driver comes with the system. */
export function adviceFor(os: typeof Deno.build.os): string {
  switch (os) {
    case "darwin":
      return "run on macOS 10.15 or newer with a Metal GPU; virtual machines often have none";
    case "windows":
      return "update the graphics driver, for DirectX 12 or Vulkan, and restart";
    default:
      return `install a Vulkan driver and loader for ${os}`;
  }
}

/** The fields of an os-release file, without quotes and backslashes. */
export function parseOsRelease(text: string): Readonly<Record<string, string>> {
  const fields = text.split("\n").flatMap((line): [string, string][] => {
    const match = /^([A-Z0-9_]+)=(.*)$/.exec(line.trim());
    if (match === null) return [];
    const value = match[2].replace(/^(["'])(.*)\1$/, "$2").replace(/\\(.)/g, "$1");
    return [[match[1], value]];
  });
  return Object.fromEntries(fields);
}
