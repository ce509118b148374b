import { mixes } from "../data/augment/spec.ts";
import { eventLoopPause } from "../util/event_loop.ts";
import { Stopwatch } from "../util/stopwatch.ts";
import { CheckpointWriter, type LoopFields } from "./checkpoints/checkpoint_writer.ts";
import { FRESH_LOOP } from "./checkpoints/loop_state.ts";
import { DeviceImages } from "./device_images.ts";
import { dumpDivergence } from "./divergence.ts";
import { Evaluator } from "./evaluation/evaluator.ts";
import type { Feed } from "./feed.ts";
import { InputWindow } from "./input_summary.ts";
import { LossWindow } from "./loss_window.ts";
import { measureSet } from "./measure_set.ts";
import { openFeed } from "./open_feed.ts";
import { PrecisionRecord } from "./precision_record.ts";
import type {
  EvaluationEvent,
  EvaluationSet,
  TrainEvents,
  TrainOptions,
  TrainResult,
} from "./train.ts";
import { DivergedError, Trainer } from "./trainer.ts";

/** Steps after which losses are read even if none are logged, so that the device's queue stays short. */
const READ_EVERY = 50;

/** One device's part of a run: from its start or a checkpoint to its end. */
export class TrainingSession implements AsyncDisposable {
  readonly #options: TrainOptions;
  readonly #events: TrainEvents;
  readonly #trainer: Trainer;
  readonly #evaluator: Evaluator;
  readonly #feed: Feed;
  readonly #checkpoints: CheckpointWriter;
  readonly #clock = new Stopwatch();
  readonly #firstStep: number;
  readonly #record: PrecisionRecord;
  readonly #readEvery: number;
  readonly #window: LossWindow;
  /** What the queue of batches has done from the start on. */
  readonly #input: InputWindow;
  /** The last measurement of the first set. */
  #lastEvaluation: EvaluationEvent | undefined;

  private constructor(
    options: TrainOptions,
    events: TrainEvents,
    parts: { trainer: Trainer; evaluator: Evaluator; feed: Feed; record: PrecisionRecord },
  ) {
    const { loop } = options.resume?.manifest ?? { loop: FRESH_LOOP };
    this.#options = options;
    this.#events = events;
    this.#trainer = parts.trainer;
    this.#evaluator = parts.evaluator;
    this.#feed = parts.feed;
    this.#record = parts.record;
    this.#firstStep = parts.trainer.step;
    this.#readEvery = Math.min(READ_EVERY, parts.trainer.queueableSteps);
    const { batchSize } = options.recipe;
    const stats = parts.feed.stats();
    this.#input = new InputWindow(stats, batchSize);
    const last = options.resume?.manifest.metrics.loss ?? null;
    this.#window = new LossWindow({ before: loop.window, last, stats, batchSize });
    this.#checkpoints = new CheckpointWriter(options, events, parts.trainer);
  }

  /**
   * Compiles the step and the evaluation, takes up the checkpoint, and starts the input.
   *
   * @throws {DeviceError} naming the batch size that would fit, if this one does not.
   */
  static async open(options: TrainOptions, events: TrainEvents): Promise<TrainingSession> {
    const { device, model, recipe, augment, resume, initial } = options;
    const trainingImages = options.train.count;
    const onDevice = options.input === "device";
    const input = {
      device: onDevice
        ? new DeviceImages(options.train, augment, device.maxBindingBytes)
        : undefined,
      mixed: mixes(augment),
    };
    await using made = new AsyncDisposableStack();
    const trainer = made.use(
      await Trainer.create(device, { model, recipe, trainingImages, input }),
    );
    const evaluator = made.use(await Evaluator.create(device, model, recipe.batchSize));
    if (resume !== undefined) trainer.loadState(resume.state);
    else if (initial !== undefined) trainer.initialize(initial.parameters, initial.statistics);
    const loop = resume?.manifest.loop ?? FRESH_LOOP;
    const record = new PrecisionRecord(recipe, options.patience, loop);
    trainer.learningRateFactor = record.learningRateFactor;
    await events.onStart?.(trainer.plan.summary);
    const feed = made.use(openFeed(options, trainer.step * recipe.accumulate));
    const session = new TrainingSession(options, events, { trainer, evaluator, feed, record });
    made.move();
    return session;
  }

  /** Trains to the end, or until the signal. */
  async run(): Promise<TrainResult> {
    const { resume, signal } = this.#options;
    // An evaluation that was due when the checkpoint was written comes first.
    let isDue = resume?.manifest.loop.evaluationIsDue === true && !this.#isAtEnd();
    for (;;) {
      if (isDue && !signal?.aborted) isDue = !await this.#judge();
      if (signal?.aborted) return await this.#interrupted(isDue);
      if (this.#isAtEnd()) return await this.#finish();
      isDue = await this.#step();
    }
  }

  /** Does one step and what follows it, except an evaluation: returns whether one is due. */
  async #step(): Promise<boolean> {
    const { recipe, logEvery, evalEvery, evaluations, signal } = this.#options;
    const trainer = this.#trainer;
    for (let part = 0; part < recipe.accumulate; part++) {
      if (trainer.queued === trainer.maxQueued) await this.#readLosses();
      using batch = this.#feed.tryNext() ?? await this.#feed.next();
      trainer.run(batch);
      // Signals and errors of the device arrive as events.
      await eventLoopPause();
    }
    const { step } = trainer;
    const isLast = step === recipe.totalSteps;
    const logs = (step - 1) % logEvery === 0 || isLast;
    const saves = !isLast && this.#checkpoints.isDue();
    const evaluates = !isLast && evalEvery > 0 && step % evalEvery === 0 && evaluations.length > 0;
    // Nothing that has diverged may be saved or measured: reading the losses checks them.
    if (logs || saves || evaluates || signal?.aborted || step % this.#readEvery === 0) {
      await this.#readLosses();
    }
    if (logs) this.#log();
    // Where both are due the evaluation comes first, so that the checkpoint knows the precision.
    if (saves && !evaluates) {
      this.#clock.pause();
      await this.#save();
      this.#clock.resume();
    }
    return evaluates;
  }

  async #readLosses(): Promise<void> {
    try {
      this.#window.add(await this.#trainer.losses());
    } catch (error) {
      if (!(error instanceof DivergedError)) throw error;
      // What was finite until then is still told.
      this.#window.add(error.before);
      this.#log();
      throw await dumpDivergence(this.#options, error);
    }
  }

  #log(): void {
    const event = this.#window.close({
      seconds: this.#clock.seconds,
      learningRate: (step) => this.#trainer.learningRate(step),
      stats: this.#feed.stats(),
    });
    if (event !== undefined) this.#events.onLog?.(event);
  }

  /** Evaluates during training, and keeps the best. Returns false if the signal ended it. */
  async #judge(): Promise<boolean> {
    this.#clock.pause();
    let event: EvaluationEvent;
    try {
      event = await this.#evaluate(this.#options.evaluations[0]);
      this.#lastEvaluation = event;
    } catch (error) {
      if (this.#isCalledOff(error)) return false;
      throw error;
    }
    const { best: former } = this.#record;
    const isBest = this.#record.observe(event.step, event.averages.precision);
    this.#trainer.learningRateFactor = this.#record.learningRateFactor;
    if (isBest || this.#checkpoints.isDue()) {
      // What the disk did not take is no best one to go back to.
      if (!await this.#save() && isBest) this.#record.forgetBest(former);
    }
    this.#clock.resume();
    return true;
  }

  #isAtEnd(): boolean {
    const { totalSteps } = this.#options.recipe;
    return this.#trainer.step >= totalSteps || this.#record.hasLostPatience;
  }

  async #interrupted(evaluationIsDue: boolean): Promise<TrainResult> {
    await this.#readLosses();
    this.#clock.pause();
    // At the end of the run all sets are to be measured.
    const isDue = evaluationIsDue || this.#isAtEnd() && this.#unmeasured().length > 0;
    await this.#save({ evaluationIsDue: isDue, must: true, counts: false });
    return this.#result("interrupted", []);
  }

  /** Saves, then measures on all sets. */
  async #finish(): Promise<TrainResult> {
    this.#clock.pause();
    const end = this.#trainer.step >= this.#options.recipe.totalSteps ? "finished" : "stopped";
    const sets = this.#unmeasured();
    await this.#save({ evaluationIsDue: sets.length > 0, must: true });
    const events = this.#lastEvaluation?.step === this.#trainer.step ? [this.#lastEvaluation] : [];
    try {
      for (const set of sets) events.push(await this.#evaluate(set));
    } catch (error) {
      if (!this.#isCalledOff(error)) throw error;
      return this.#result("interrupted", []);
    }
    const [first] = events;
    if (first !== undefined && first.set === this.#options.evaluations[0].name) {
      this.#record.observeEnd(first.step, first.averages.precision);
      this.#lastEvaluation = first;
    }
    if (sets.length > 0) await this.#save();
    return this.#result(end, events);
  }

  /** The sets that have not been measured at this step: an early stop follows a measurement of the first. */
  #unmeasured(): readonly EvaluationSet[] {
    const { evaluations, resume } = this.#options;
    const { step } = this.#trainer;
    const done = this.#lastEvaluation?.step === step
      ? this.#lastEvaluation.set
      : resume?.manifest.step === step
      ? resume.manifest.metrics.set
      : null;
    return evaluations.filter(({ name }) => name !== done);
  }

  #isCalledOff(error: unknown): boolean {
    const { signal } = this.#options;
    return signal?.aborted === true && error === signal.reason;
  }

  async #evaluate(set: EvaluationSet): Promise<EvaluationEvent> {
    const [trainer, evaluator] = [this.#trainer, this.#evaluator];
    const [options, events] = [this.#options, this.#events];
    const event = await measureSet(set, { trainer, evaluator, options, events });
    events.onEvaluation?.(event);
    return event;
  }

  /** Returns false if the disk was full. */
  async #save(
    { evaluationIsDue = false, must = false, counts = true }: {
      evaluationIsDue?: boolean;
      must?: boolean;
      counts?: boolean;
    } = {},
  ): Promise<boolean> {
    const last = this.#lastEvaluation;
    const event = last?.step === this.#trainer.step ? last : undefined;
    const known = { event, loss: this.#window.last, must, counts };
    try {
      return await this.#checkpoints.save(this.#loop(evaluationIsDue), known);
    } catch (error) {
      throw error instanceof DivergedError ? await dumpDivergence(this.#options, error) : error;
    }
  }

  #loop(evaluationIsDue: boolean): LoopFields {
    return {
      window: this.#window.totals,
      ...this.#record.state,
      evaluationIsDue,
    };
  }

  #result(end: TrainResult["end"], evaluations: readonly EvaluationEvent[]): TrainResult {
    const { step } = this.#trainer;
    const { seconds } = this.#clock;
    return {
      end,
      step,
      steps: step - this.#firstStep,
      evaluations,
      checkpoint: this.#checkpoints.last?.path ?? "",
      best: this.#record.best,
      seconds,
      input: this.#input.until(this.#feed.stats(), seconds),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#feed.close();
    this.#evaluator.destroy();
    this.#trainer.destroy();
  }
}
