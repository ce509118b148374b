/** How TensorFlow.js trains each net. */

import type { NetName } from "./nets/net.ts";
import * as airbench94 from "./tfjs_airbench94.ts";
import * as reference from "./tfjs_reference.ts";
import * as resnet20 from "./tfjs_resnet20.ts";
import type { Way } from "./tfjs_way.ts";

interface Trained {
  readonly makeStep: (batch: number, way: Way) => () => Promise<number>;
  /** What is rewritten, unless the way is "stock". */
  readonly noteOf: (way: Way) => string;
}

export const TRAINED: Readonly<Record<NetName, Trained>> = {
  reference,
  "resnet-20": resnet20,
  airbench94,
};
