import { initialStatistics } from "../nn/statistics.ts";
import type { VariableState } from "../tensor/state.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { LOOKAHEAD } from "./lookahead.ts";
import type { TrainingVariables } from "./training_variables.ts";

/** Everything that training goes on from, but for its data; blocks are in the layout of the parameters. */
export interface TrainerState {
  /** Steps done. */
  readonly step: number;
  /** The moving average of the loss. */
  readonly lossAverage: number;
  readonly parameters: Float32Array<ArrayBuffer>;
  /** Their exponential moving averages. */
  readonly averages: Float32Array<ArrayBuffer>;
  /** The optimizer's own blocks, by name. */
  readonly optimizer: Readonly<Record<string, Float32Array<ArrayBuffer>>>;
  /** The running moments of all batch normalizations; absent if there are none. */
  readonly statistics?: Float32Array<ArrayBuffer>;
  /** Lookahead's slow average of them, whose average of the weights is one of the optimizer's blocks. */
  readonly slowStatistics?: Float32Array<ArrayBuffer>;
}

/** The blocks of a state. */
export type StateBlocks = Pick<
  TrainerState,
  "parameters" | "averages" | "optimizer" | "statistics" | "slowStatistics"
>;

/** All numbers of a trained model. */
export interface ModelValues {
  /** A block in the layout of the parameters. */
  readonly parameters: Float32Array<ArrayBuffer>;
  /** The running moments of all batch normalizations; absent if there are none. */
  readonly statistics?: Float32Array<ArrayBuffer>;
}

/** Writes what training starts from: all averages are equal to the parameters, moments by default 0 and 1. */
export function writeInitial(
  state: VariableState,
  variables: TrainingVariables,
  values: ModelValues,
): void {
  const { parameters, averages, optimizer, statistics, slowStatistics, statisticsLayout } =
    variables;
  for (const block of [parameters, averages, optimizer[LOOKAHEAD]]) {
    if (block !== undefined) state.write(block, values.parameters);
  }
  const moments = values.statistics ?? initialStatistics(statisticsLayout);
  for (const block of [statistics, slowStatistics]) {
    if (block !== undefined) state.write(block, moments);
  }
}

/** Copies the blocks to the host, after everything that is queued. */
export async function readState(
  state: VariableState,
  variables: TrainingVariables,
): Promise<StateBlocks> {
  const { parameters, averages, optimizer, slowStatistics: slow } = variables;
  const statistics = await readStatistics(state, variables);
  const read = async (block: Tensor) => await state.read(block) as Float32Array<ArrayBuffer>;
  const slowStatistics = slow && await read(slow);
  const named = Object.entries(optimizer).map(async ([name, block]) =>
    [name, await read(block)] as const
  );
  return {
    parameters: await read(parameters),
    averages: await read(averages),
    optimizer: Object.fromEntries(await Promise.all(named)),
    ...(statistics && { statistics }),
    ...(slowStatistics && { slowStatistics }),
  };
}

/** The running moments of all batch normalizations; undefined if there are none. */
export async function readStatistics(
  state: VariableState,
  { statistics }: TrainingVariables,
): Promise<Float32Array<ArrayBuffer> | undefined> {
  return statistics && await state.read(statistics) as Float32Array<ArrayBuffer>;
}

/**
 * Writes the blocks back.
 *
 * @throws {RangeError} if a size differs, or the optimizer's blocks have other names; nothing is written then.
 */
export function writeState(
  state: VariableState,
  variables: TrainingVariables,
  blocks: StateBlocks,
): void {
  const { layout, parameters, averages, optimizer, statistics, slowStatistics, statisticsLayout } =
    variables;
  const [expected, found] = [optimizer, blocks.optimizer].map((of) => Object.keys(of).sort());
  if (expected.join() !== found.join()) {
    const listed = (names: string[]) => names.length === 0 ? "none" : names.join(", ");
    throw new RangeError(
      `Cannot load a state as the optimizer's blocks must be ${listed(expected)}: ` +
        `given ${listed(found)}`,
    );
  }
  const { parameters: weights, averages: shadows } = blocks;
  for (const [name, { length }] of Object.entries({ weights, shadows, ...blocks.optimizer })) {
    if (length !== layout.size) {
      throw new RangeError(
        `Cannot load a state as ${name} must hold ${layout.size} values: given ${length}`,
      );
    }
  }
  for (const [name, block] of Object.entries({ statistics, slowStatistics })) {
    const needed = block === undefined ? 0 : statisticsLayout.size;
    const given = blocks[name as "statistics" | "slowStatistics"]?.length ?? 0;
    if (given === needed) continue;
    throw new RangeError(
      `Cannot load a state as ${name} must hold ${needed} values: given ${given}`,
    );
  }
  state.write(parameters, weights);
  state.write(averages, shadows);
  if (statistics && blocks.statistics) state.write(statistics, blocks.statistics);
  if (slowStatistics && blocks.slowStatistics) state.write(slowStatistics, blocks.slowStatistics);
  for (const [name, block] of Object.entries(optimizer)) {
    state.write(block, blocks.optimizer[name]);
  }
}
