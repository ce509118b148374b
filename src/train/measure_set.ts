import type { Evaluator } from "./evaluation/evaluator.ts";
import type { EvaluationEvent, EvaluationSet, TrainEvents, TrainOptions } from "./train.ts";
import type { Trainer } from "./trainer.ts";
import { readStatistics } from "./trainer_state.ts";

/**
 * Measures a trainer's weights and their averages on a set of images.
 *
 * @throws the signal's reason, if it is aborted
 */
export async function measureSet(
  set: EvaluationSet,
  { trainer, evaluator, options, events }: {
    trainer: Trainer;
    evaluator: Evaluator;
    options: TrainOptions;
    events: TrainEvents;
  },
): Promise<EvaluationEvent> {
  const { augment, workers, signal } = options;
  const { state, variables, step } = trainer;
  const { parameters, averages } = variables;
  const statistics = await readStatistics(state, variables);
  using store = await set.open();
  const blocks = [await state.read(parameters), await state.read(averages)];
  const measure = (index: number) =>
    evaluator.run({ parameters: blocks[index] as Float32Array<ArrayBuffer>, statistics }, {
      store,
      augment,
      workers,
      signal,
      onBatch: (done) => events.onEvaluating?.(index * store.count + done, 2 * store.count),
    });
  return { set: set.name, step, weights: await measure(0), averages: await measure(1) };
}
