import { join } from "node:path";
import { createReporter } from "../data/acquire/progress.ts";
import { parseDatasetName } from "../data/datasets/dataset_name.ts";
import { fingerprint } from "../data/fingerprint.ts";
import type { Device } from "../engine/device.ts";
import { referenceModel } from "../nn/models/reference.ts";
import { parameterLayout } from "../nn/parameters.ts";
import { type Console, createConsole } from "../report/console.ts";
import { openMetrics } from "../report/metrics.ts";
import { unpackCheckpoint } from "../train/checkpoints/load_checkpoint.ts";
import { listed, loadInitialWeights } from "../train/checkpoints/init_from.ts";
import { rewriteManifest } from "../train/checkpoints/write_checkpoint.ts";
import { chooseInput } from "../train/choose_input.ts";
import { totalSteps, type TrainConfig } from "../train/config.ts";
import { checkChanges, configHash, surroundingsChanges } from "../train/config_changes.ts";
import { exitCodeOf, InterruptedError, listenForInterrupts } from "../train/interrupt.ts";
import { parseInterval } from "../train/interval.ts";
import { deviceIdentity, openDevice } from "../train/open_device.ts";
import { recipeOf } from "../train/recipe.ts";
import { isAtEnd, planResume, type ResumePlan } from "../train/resume.ts";
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
import { train, type TrainOptions } from "../train/train.ts";
import { formatCount } from "../util/units.ts";
import { VERSION } from "../util/version.ts";
import { endText, startTable } from "./train_texts.ts";
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
  const runDir = config.resume ? given.runDir ?? await newestRun("runs") : config.runDir;
  if (config.resume) await requireRun(runDir);
  else parseDatasetName(config.dataset);
  using _lock = await lockRunFolder(runDir);
  let plan: ResumePlan | undefined;
  if (config.resume) plan = await resume(runDir, config, given, terminal);
  else await refuseRun(runDir);
  await trainIn({ config: plan?.config ?? config, runDir, plan, terminal, interrupts });
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
  const model = referenceModel(dataset.classes.length);
  const layout = parameterLayout(model.parameters);
  const [height, width] = model.image;
  const normalization = normalizationOf(config, training);
  const augment = augmentOf(config, { crop: [height, width], normalization }, training.format);
  const { classes } = dataset;
  const steps = totalSteps(config, training.count);
  const recipe = recipeOf(config, { classes, labels: training.labels, totalSteps: steps });
  const { path = "", manifest } = plan?.checkpoint ?? {};
  if (manifest && isAtEnd(manifest, config, training.count) && !manifest.loop.evaluationIsDue) {
    terminal.log(`the run is complete: ${formatCount(manifest.step)} steps, ${path}`);
    terminal.log(`to train on: --steps ${2 * steps} --allow-change steps`);
    return;
  }
  const initial = config.initFrom === null || plan?.checkpoint
    ? undefined
    : await initialWeights(config.initFrom, { config, layout, terminal });

  using devices = new DisposableStack();
  const open = async () => {
    const opened = await openDevice(config.device, config.threads);
    devices.defer(() => opened.device.destroy());
    return opened;
  };
  const { device, choice } = await open();
  const { format } = training;
  const run = savedRun({ ...config, dataDir: dataDirOf(config) }, {
    model: model.name,
    data: { classes, normalization, format, fingerprint: fingerprint(training) },
    machine: { kiln: VERSION, deno: Deno.version.deno, device: deviceIdentity(device) },
  });
  const resumed = plan && await goOn(plan, run, { runDir, terminal });
  const input = chooseInput(config.input, device, training);
  using metrics = openMetrics(join(runDir, METRICS_FILE), {
    onFull: config.onFull === "stop" ? undefined : (error) => {
      terminal.log(`warning: ${error.message}; lines are kept in memory until there is space`);
    },
  });
  if (!metrics.rewind(resumed?.manifest.loop.metricsBytes ?? 0)) {
    terminal.log(`warning: ${join(runDir, METRICS_FILE)} lacks lines of the steps done`);
  }
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
    resume: resumed && unpackCheckpoint(resumed, model, layout),
    initial,
    signal: interrupts.signal,
    reopen: async (): Promise<Device> => (await open()).device,
  };
  const result = await train(options, {
    ...trainEvents({ config, steps, terminal, metrics }),
    async onStart(summary) {
      // Not before: a run that does not start leaves its folder free for the next try.
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

/** Compares the surroundings with those of the run; the checkpoint, with allowed changes written into it. */
async function goOn(
  { run: before, config, changes, checkpoint }: ResumePlan,
  run: SavedRun,
  { runDir, terminal }: { runDir: string; terminal: Console },
): Promise<ResumePlan["checkpoint"]> {
  const surroundings = surroundingsChanges(before, run);
  checkChanges(runDir, surroundings, config.allowChange);
  for (const { name, before, after } of [...changes, ...surroundings]) {
    terminal.log(`${name}: ${JSON.stringify(before)} became ${JSON.stringify(after)}, as allowed`);
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
  await rewriteManifest(checkpoint.path, manifest);
  return { ...checkpoint, manifest };
}

async function initialWeights(
  path: string,
  { config, layout, terminal }: {
    config: TrainConfig;
    layout: ReturnType<typeof parameterLayout>;
    terminal: Console;
  },
): Promise<Float32Array<ArrayBuffer>> {
  const { seed, initPartial: partial } = config;
  const { parameters, mismatches, taken, unused } = await loadInitialWeights(path, layout, {
    partial,
    seed,
  });
  terminal.log(`init: ${taken} of ${layout.specs.length} tensors from ${path}`);
  if (mismatches.length > 0) terminal.log(`init: at random: ${listed(mismatches, "; ")}`);
  if (unused.length > 0) terminal.log(`init: not used: ${listed(unused, ", ")}`);
  return parameters;
}
