/**
 * kiln: train, evaluate and ship small image classifiers on Deno's native WebGPU.
 *
 * A `Tensor` is a node of a graph; ops are free functions that add nodes; `grad` differentiates;
 * `compile` turns a graph into a plan that is replayed on a device.
 *
 * ```ts
 * import { compute, constant, matmul, relu, VariableState, WebGpuDevice } from "./mod.ts";
 *
 * using device = await WebGpuDevice.open();
 * using state = new VariableState(device);
 * const x = constant(Float32Array.of(1, -2, 3, -4), [2, 2]);
 * console.log(await compute(state, relu(matmul(x, x)))); // [0, 6, 0, 10]
 * ```
 *
 * @module
 */
export * from "./src/ops/mod.ts";
export {
  constant,
  fill,
  type HostArray,
  placeholder,
  type Tensor,
  variable,
} from "./src/tensor/tensor.ts";
export type { DType, Shape } from "./src/tensor/shape.ts";
export {
  compile,
  compute,
  Plan,
  type PlanRequest,
  type PlanSummary,
} from "./src/tensor/compile.ts";
export { evaluateReference } from "./src/tensor/reference.ts";
export { VariableState } from "./src/tensor/state.ts";
export { defineOp, type Op, type OpLiteral } from "./src/tensor/op.ts";
export type { Device } from "./src/engine/device.ts";
export { WebGpuDevice, type WebGpuOptions } from "./src/webgpu/device.ts";
export { WasmDevice, type WasmOptions } from "./src/wasm/device.ts";
export {
  constantInitializer,
  glorotUniform,
  type Initializer,
  normal,
  truncatedNormal,
  uniformUnitScaling,
} from "./src/nn/initializers.ts";
/** Layers stand apart, as some are called like the op that they are made of. */
export * as layers from "./src/nn/layers.ts";
export {
  createModel,
  defineModel,
  type ForwardInputs,
  type ForwardResult,
  type Model,
  type ModelDefinition,
  pretrained,
  type Recipe as ModelRecipe,
} from "./src/nn/model.ts";
export type { LayerRecord, Net, ParameterOptions } from "./src/nn/net.ts";
export {
  countParameters,
  type NamedTensors,
  parameterBlock,
  parameterLayout,
  type ParameterSpec,
  parameterViews,
} from "./src/nn/parameters.ts";
export {
  initialStatistics,
  type StatisticsDecay,
  type StatisticsLayout,
  statisticsLayout,
  type StatisticsSpec,
} from "./src/nn/statistics.ts";
export { reference, referenceCnn, referenceModel } from "./src/nn/models/reference.ts";
export { bottleneckResnet, resnet, resnetV1, wideResnet } from "./src/nn/models/resnet.ts";
export * from "./src/optim/schedules.ts";
export {
  type Optimizer,
  type OptimizerInputs,
  type OptimizerName,
  OPTIMIZERS,
  type OptimizerSettings,
} from "./src/optim/optimizers.ts";
export { Plateau, type PlateauState } from "./src/optim/plateau.ts";
export { createReporter } from "./src/data/acquire/progress.ts";
export { CIFAR10_CLASSES } from "./src/data/datasets/cifar10_files.ts";
export type { Dataset, DatasetOptions, Split } from "./src/data/datasets/dataset.ts";
export { type DatasetName, parseDatasetName } from "./src/data/datasets/dataset_name.ts";
export { openDataset } from "./src/data/datasets/open_dataset.ts";
export { CorruptBudget } from "./src/data/corrupt_budget.ts";
export { type ImageFormat, ImageStore, type ImageStoreData } from "./src/data/image_store.ts";
export { stratifiedSplit, stratifiedSubset } from "./src/data/split.ts";
export { type Augmenter, createAugmenter, cutOut, mixBatch } from "./src/data/augment/apply.ts";
export { centerRow, drawAugment, drawMix, ExampleDraw } from "./src/data/augment/draw.ts";
export { viewRow, type Views } from "./src/data/augment/views.ts";
export {
  type AugmentSpec,
  type Normalization,
  REFERENCE_AUGMENT,
} from "./src/data/augment/spec.ts";
export { type Batch, BatchLoader, evalBatches } from "./src/data/batches/batches.ts";
export type { Shuffle } from "./src/data/batches/example_order.ts";
export { FIFOQueue } from "./src/data/queues/fifo_queue.ts";
export { RandomShuffleQueue } from "./src/data/queues/random_shuffle_queue.ts";
export { Coordinator } from "./src/data/queues/coordinator.ts";
export { QueueRunner, startQueueRunners } from "./src/data/queues/queue_runner.ts";
export { inputProducer } from "./src/data/queues/input_producer.ts";
export { batch, shuffleBatch } from "./src/data/queues/batch.ts";
export * from "./src/data/queues/errors.ts";
export { FixedLengthRecordReader } from "./src/data/readers/record_reader.ts";
export { cast, decodeRaw, slice as sliceHostArray } from "./src/data/readers/decode.ts";
export { decodeSafetensors, encodeSafetensors } from "./src/formats/safetensors.ts";
export { readSafetensors, writeSafetensors } from "./src/formats/safetensors.ts";
export {
  loadCheckpoint,
  type LoadedCheckpoint,
  newestCheckpoint,
  unpackCheckpoint,
  type VerifiedCheckpoint,
  verifyCheckpoint,
} from "./src/train/checkpoints/load_checkpoint.ts";
export {
  type CheckpointFolder,
  listCheckpoints,
} from "./src/train/checkpoints/list_checkpoints.ts";
export { type CheckpointMetrics, type Manifest } from "./src/train/checkpoints/manifest.ts";
export { type Best, type LoopState } from "./src/train/checkpoints/loop_state.ts";
export { type InitialWeights, loadInitialWeights } from "./src/train/checkpoints/init_from.ts";
export type { Journal, JournalRecord } from "./src/train/journal.ts";
export { type Interval, parseInterval } from "./src/train/interval.ts";
export {
  type Calibration,
  calibration,
  type CalibrationBin,
  type ClassScore,
  classScores,
  confidentMistakes,
  confusionMatrix,
  type Mistake,
  type Outcomes,
} from "./src/train/evaluation/metrics.ts";
export { type EvaluateOptions, Evaluator } from "./src/train/evaluation/evaluator.ts";
export { Predictor, type PredictorOptions } from "./src/train/evaluation/predictor.ts";
export { type Evaluation, Tally } from "./src/train/evaluation/tally.ts";
export {
  type EvaluationEvent,
  type EvaluationSet,
  type LogEvent,
  train,
  type TrainEvents,
  type TrainOptions,
  type TrainResult,
} from "./src/train/train.ts";
export type { InputSummary } from "./src/train/input_summary.ts";
export { InterruptedError, type InterruptSignal } from "./src/train/interrupt.ts";
export { lockRunFolder } from "./src/train/run_folder.ts";
export {
  type MetricsRecord,
  type MetricsWriter,
  openMetrics,
  readMetrics,
} from "./src/report/metrics.ts";
export { type Recipe, REFERENCE_RECIPE } from "./src/train/recipe.ts";
export {
  DivergedError,
  type ModelValues,
  type StepLosses,
  Trainer,
  type TrainerOptions,
  type TrainerState,
  type TrainingBatch,
  type TrainingInput,
} from "./src/train/trainer.ts";
export { RandomStream, STREAMS } from "./src/util/random.ts";
export * from "./src/util/errors.ts";
