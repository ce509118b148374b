/** What a net of the comparison is: its parameters, its loss and how it learns. */

/** A parameter: its shape, how it starts and how it learns. */
export interface Parameter {
  readonly shape: readonly number[];
  /** Standard deviation of the normal numbers that it starts as, redrawn beyond two of them; */
  readonly deviation?: number;
  /** or what all of it starts as. */
  readonly constant?: number;
  /** Factor of the net's weight decay. Default 0. */
  readonly decay?: number;
  /** Factor of the net's learning rate; 0: not trained. Default 1. */
  readonly rate?: number;
}

/** As `--net` has it. */
export type NetName = "reference" | "resnet-20" | "airbench94";

/** A net that all programs train. */
export interface Net {
  readonly name: NetName;
  /** Height, width and channels of an image. */
  readonly image: readonly [number, number, number];
  /** Images of a batch, unless `--batch` says otherwise: few enough for the slowest program. */
  readonly batch: number;
  /** By name, in the order that numbers their streams; filters are [KH, KW, C, O]. */
  readonly parameters: Readonly<Record<string, Parameter>>;
  readonly learningRate: number;
  /** Of the update v = momentum v + g; w -= rate v. 0: w -= rate g. */
  readonly momentum: number;
  /** Whether the update is w -= rate (g + momentum v) instead. */
  readonly nesterov: boolean;
  /** The loss has weightDecay / 2 times the sum of the squares of what decays. */
  readonly weightDecay: number;
  /** Share of each label that is spread over all classes. */
  readonly labelSmoothing: number;
}
