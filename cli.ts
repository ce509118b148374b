/**
 * The command line of kiln: `deno task train`, `eval`, `predict`, `features`, `finetune`, `describe`, `data`, `doctor`, `bench`; each has `--help`.
 */
import { dataCommand } from "./src/cli/data_command.ts";
import { describeCommand } from "./src/cli/describe_command.ts";
import { doctorCommand } from "./src/cli/doctor_command.ts";
import { evalCommand } from "./src/cli/eval_command.ts";
import { featuresCommand } from "./src/cli/features_command.ts";
import { finetuneCommand } from "./src/cli/finetune_command.ts";
import { inspectCommand } from "./src/cli/inspect_command.ts";
import { predictCommand } from "./src/cli/predict_command.ts";
import { trainCommand } from "./src/cli/train_command.ts";
import { benchCommand } from "./bench/command.ts";
import { type Invocation, parseCommandLine } from "./src/train/config.ts";
import { checkEnvFlags } from "./src/util/env.ts";
import { UserError } from "./src/util/errors.ts";
import { memoryError } from "./src/util/io_errors.ts";

async function run(invocation: Invocation): Promise<void> {
  switch (invocation.command) {
    case "help":
      return console.log(invocation.text);
    case "train":
      return await trainCommand(invocation.config, invocation.given);
    case "eval":
      return await evalCommand(invocation.config);
    case "predict":
      return await predictCommand(invocation.config);
    case "features":
      return await featuresCommand(invocation.config);
    case "finetune":
      return await finetuneCommand(invocation.config);
    case "describe":
      return await describeCommand(invocation.config);
    case "data":
      return await dataCommand(invocation.config);
    case "data inspect":
      return await inspectCommand(invocation.config);
    case "doctor":
      return await doctorCommand(invocation.config);
    case "bench":
      return await benchCommand(invocation.config);
  }
}

/** Prints a user's mistake as one line and its fix as another; anything else is a bug and keeps its stack. */
function report(thrown: unknown): never {
  const error = memoryError(thrown);
  if (!(error instanceof UserError)) throw error;
  console.error(`error: ${error.message}`);
  if (error.hint !== "") console.error(`hint: ${error.hint}`);
  Deno.exit(error.exitCode);
}

if (import.meta.main) {
  try {
    checkEnvFlags();
    await run(parseCommandLine(Deno.args));
  } catch (error) {
    report(error);
  }
}
