import { join } from "node:path";
import { createReporter } from "../data/acquire/progress.ts";
import { parseDatasetName } from "../data/datasets/dataset_name.ts";
import { fingerprint } from "../data/fingerprint.ts";
import type { Device } from "../engine/device.ts";
import { pretrained } from "../nn/model.ts";
import { parameterLayout } from "../nn/parameters.ts";
import { type Console, createConsole } from "../report/console.ts";
import { openMetrics } from "../report/metrics.ts";
import { unpackCheckpoint } from "../train/checkpoints/load_checkpoint.ts";
import { rewriteManifest } from "../train/checkpoints/write_checkpoint.ts";
import { checkMeasurable } from "../train/check_recipe.ts";
import { chooseInput } from "../train/choose_input.ts";
import { defaultRunDir } from "../train/commands.ts";
import { totalSteps, type TrainConfig } from "../train/config.ts";
import { checkChanges, configHash, surroundingsChanges } from "../train/config_changes.ts";
import { exitCodeOf, InterruptedError, listenForInterrupts } from "../train/interrupt.ts";
import { parseInterval } from "../train/interval.ts";
import { deviceIdentity, openDevice } from "../train/open_device.ts";
import { initialFromImages } from "../train/initial_images.ts";
import { loadModel, openModel, withRecipe } from "../train/models.ts";
import { recipeOf } from "../train/recipe.ts";
import { checkOptimizer, isAtEnd, planResume, type ResumePlan } from "../train/resume.ts";
import {
  augmentOf,
  dataDirOf,
  normalizationOf,
  openSource,
  selectData,
} from "../train/run_data.ts";
import {
  lockRunFolder,
  METRICS_FILE,
  newestRun,
  refuseRun,
  requireRun,
  saveConfig,
} from "../train/run_folder.ts";
import { type SavedRun, savedRun } from "../train/saved_run.ts";
import { train, type TrainEvents, type TrainOptions, type TrainResult } from "../train/train.ts";
import { tunedModel } from "../train/tuning.ts";
import { DeviceError, UserError } from "../util/errors.ts";
import { isDiskFull } from "../util/io_errors.ts";
import { listed } from "../util/listed.ts";
import { formatCount } from "../util/units.ts";
import { VERSION } from "../util/version.ts";
import { endText, startTable, trainOnText } from "./train_texts.ts";
import { startOf } from "./train_start.ts";
import { trainEvents } from "./train_events.ts";

/**
 * Trains the reference CNN and measures it: `deno task train`.
 *
 * @param config the settings with all defaults, and `given` those of them that somebody asked for
 */
export async function trainCommand(
  config: TrainConfig,
  given: Partial<TrainConfig>,
): Promise<void> {
  using terminal = createConsole();
  using interrupts = listenForInterrupts((signal) => {
    terminal.log(`${signal}: ending after this step; once more ends at once`);
  });
  let started = config;
  if (!config.resume) {
    const definition = await loadModel(config);
    const runDir = given.runDir ?? defaultRunDir(new Date(), definition.name);
    started = { ...withRecipe(definition, config.recipe, given), runDir };
  }
  const runDir = config.resume ? given.runDir ?? await newestRun("runs") : started.runDir;
  if (config.resume) await requireRun(runDir);
  else parseDatasetName(config.dataset);
  using _lock = await lockRunFolder(runDir);
  let plan: ResumePlan | undefined;
  if (config.resume) plan = await resume(runDir, config, given, terminal);
  else await refuseRun(runDir);
  await trainIn({ config: plan?.config ?? started, runDir, plan, terminal, interrupts });
}

/** What a run is started or gone on with. */
interface Start {
  readonly config: TrainConfig;
  readonly runDir: string;
  readonly plan: ResumePlan | undefined;
  readonly terminal: Console;
  readonly interrupts: ReturnType<typeof listenForInterrupts>;
}

function resume(
  runDir: string,
  config: TrainConfig,
  given: Partial<TrainConfig>,
  terminal: Console,
): Promise<ResumePlan> {
  return planResume(runDir, {
    config,
    given,
    onDamaged({ path }, error) {
      terminal.log(`warning: ${error.message}`);
      terminal.log(`warning: ${path} is set aside, going back to the one before`);
    },
  });
}

async function trainIn({ config, runDir, plan, terminal, interrupts }: Start): Promise<void> {
  const data = await selectData(await openSource(config, createReporter()), config);
  const { train: training, dataset } = data;
  const { classes } = dataset;
  const opened = await openModel(config, classes.length);
  const [height, width] = opened.image;
  const normalization = normalizationOf(config, training);
  const augment = augmentOf(config, { crop: [height, width], normalization }, training.format);
  const fromImages = () =>
    initialFromImages(opened, { store: training, augment, seed: config.seed });
  const start = await startOf(config, { model: opened, classes, plan, terminal, fromImages });
  const isPretrained = config.initFrom !== null || config.finetuneFrom !== null;
  const based = isPretrained ? pretrained(opened) : opened;
  const model = start.fresh === undefined ? based : tunedModel(based, config, start.fresh);
  const frozen = model.parameters.filter(({ rate }) => rate === 0).map(({ name }) => name);
  if (start.fresh !== undefined && frozen.length > 0) {
    terminal.log(`finetune: frozen: ${listed(frozen, ", ")}`);
  }
  const layout = parameterLayout(model.parameters);
  const steps = totalSteps(config, training.count);
  const recipe = recipeOf(config, { classes, labels: training.labels, totalSteps: steps });
  const { path = "", manifest } = plan?.checkpoint ?? {};
  if (manifest && isAtEnd(manifest, config, training.count) && !manifest.loop.evaluationIsDue) {
    terminal.log(`the run is complete: ${formatCount(manifest.step)} steps, ${path}`);
    terminal.log(trainOnText(config, { runDir, step: manifest.step, steps }));
    return;
  }
  checkMeasurable(config, data.evaluations.length);
  using devices = new DisposableStack();
  const open = async () => {
    const opened = await openDevice(config.device, config.threads);
    devices.defer(() => opened.device.destroy());
    return opened;
  };
  const { device, choice } = await open();
  const { format } = training;
  const run = savedRun({ ...config, dataDir: dataDirOf(config) }, {
    data: { classes, normalization, format, fingerprint: fingerprint(training) },
    machine: { kiln: VERSION, deno: Deno.version.deno, device: deviceIdentity(device) },
    finetune: start.fresh && { fresh: start.fresh },
  });
  const resumed = plan && goOn(plan, run, { runDir, terminal });
  const resume = resumed && unpackCheckpoint(resumed, model, layout);
  if (resume !== undefined) checkOptimizer(resume, config);
  const input = chooseInput(config.input, device, training);
  using metrics = openMetrics(join(runDir, METRICS_FILE), {
    onFull: config.onFull === "stop" ? undefined : (error) => {
      terminal.log(`warning: ${error.message}; lines are kept in memory until there is space`);
    },
  });
  // Of a run that was stopped before its first checkpoint.
  if (resume === undefined) metrics.rewind(0);
  const options: TrainOptions = {
    device,
    model,
    recipe,
    train: training,
    augment,
    shuffle: config.shuffle,
    input: input.input,
    evaluations: data.evaluations,
    runDir,
    run: { json: run.json, configHash: configHash(run) },
    journal: metrics,
    workers: config.workers,
    logEvery: config.logEvery,
    checkpointEvery: parseInterval(config.checkpointEvery) ?? {},
    keep: config.keep,
    keepEvery: config.keepEvery,
    onFull: config.onFull,
    evalEvery: config.evalEvery,
    patience: config.patience,
    resume,
    initial: start.initial,
    signal: interrupts.signal,
    reopen: async (): Promise<Device> => sameDevice((await open()).device, run),
  };
  const result = await trainUntilFull(options, {
    ...trainEvents({ config, steps, terminal, metrics }),
    async onStart(summary) {
      // Not before: a run that does not start leaves its folder as it was.
      if (resumed !== undefined && resumed !== plan?.checkpoint) {
        await rewriteManifest(resumed.path, resumed.manifest);
      }
      await saveConfig(runDir, run.json);
      const from = resumed?.path;
      terminal.log(
        startTable({ config, data, model, steps, device, choice, input, summary, from }),
      );
      terminal.log("");
      interrupts.arm();
    },
  });
  terminal.clear();
  for (const line of endText(result, { config, runDir })) terminal.log(line);
  metrics.close();
  const { reason } = interrupts.signal;
  if (result.end === "interrupted" && reason instanceof InterruptedError) {
    Deno.exitCode = exitCodeOf(reason.signal);
  }
}

/** Trains; where a full disk ends it, the hint says how to go on. */
async function trainUntilFull(options: TrainOptions, events: TrainEvents): Promise<TrainResult> {
  try {
    return await train(options, events);
  } catch (error) {
    if (!(error instanceof UserError) || !isDiskFull(error) || /--resume/.test(error.hint)) {
      throw error;
    }
    throw new UserError(error.message, {
      hint: `free some space, then: deno task train --resume --run-dir ${options.runDir}`,
      cause: error,
    });
  }
}

/** @throws {DeviceError} if a device that takes the place of a lost one would round otherwise */
function sameDevice(device: Device, { machine }: SavedRun): Device {
  const found = deviceIdentity(device);
  if (found === machine.device) return device;
  throw new DeviceError(
    `Cannot go on after the device was lost: expected ${machine.device}, found ${found}`,
    { hint: "checkpoints are intact: go on with --resume once it is back" },
  );
}

/** Compares the surroundings with those of the run; the checkpoint, with allowed changes in its manifest. */
function goOn(
  { run: before, config, changes, checkpoint, undone }: ResumePlan,
  run: SavedRun,
  { runDir, terminal }: { runDir: string; terminal: Console },
): ResumePlan["checkpoint"] {
  const surroundings = surroundingsChanges(before, run);
  checkChanges(runDir, surroundings, config.allowChange);
  for (const { name, before, after } of [...changes, ...surroundings]) {
    terminal.log(`${name}: ${JSON.stringify(before)} became ${JSON.stringify(after)}, as allowed`);
  }
  for (const { name, before, after } of undone) {
    const [was, is] = [JSON.stringify(before), JSON.stringify(after)];
    terminal.log(`warning: ${name} is ${is} again, as at that checkpoint; it had become ${was}`);
  }
  const [was, is] = [before.machine, run.machine];
  if (was.kiln !== is.kiln || was.deno !== is.deno) {
    terminal.log(
      `warning: started with kiln ${was.kiln} on Deno ${was.deno}, now ${is.kiln} on ${is.deno}: ` +
        "results may differ from an uninterrupted run's",
    );
  }
  if (checkpoint === undefined) {
    terminal.log(`there is no checkpoint in ${runDir} yet: starting at step 0`);
    return undefined;
  }
  if (changes.length + surroundings.length === 0) return checkpoint;
  const manifest = { ...checkpoint.manifest, run: run.json, configHash: configHash(run) };
  return { ...checkpoint, manifest };
}
