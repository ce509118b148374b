/** The nets of the comparison by name, and the numbers that they start from. */
import { normals } from "../numbers.ts";
import { airbench94 } from "./airbench94.ts";
import type { Net, NetName } from "./net.ts";
import { reference } from "./reference.ts";
import { resnet20 } from "./resnet20.ts";

export const NETS: Readonly<Record<NetName, Net>> = {
  reference,
  "resnet-20": resnet20,
  airbench94,
};

/** The net of that name. */
export function netOf(name: string): Net {
  if (Object.hasOwn(NETS, name)) return NETS[name as NetName];
  const names = Object.keys(NETS).join(", ");
  throw new RangeError(`Cannot train --net ${name} as it must be one of ${names}`);
}

/** The initial values of a parameter: of the stream that its place in the net numbers. */
export function initial({ parameters }: Net, name: string): Float32Array<ArrayBuffer> {
  const { shape, deviation, constant = 0 } = parameters[name];
  const count = shape.reduce((a, b) => a * b, 1);
  if (deviation === undefined) return new Float32Array(count).fill(constant);
  const stream = 1 + Object.keys(parameters).indexOf(name);
  return normals(stream, count, 2).map((value) => value * deviation);
}
