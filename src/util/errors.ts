/** A mistake of the user or a fault of the surroundings, with its fix: printed as one line, without a stack trace. */
export class UserError extends Error {
  override readonly name: string = "UserError";
  /** What to do about it, one line; empty if the message says it all. */
  readonly hint: string;
  /** The exit code of the process. */
  readonly exitCode: number;

  constructor(
    message: string,
    options: { hint?: string; exitCode?: number; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.hint = options.hint ?? "";
    this.exitCode = options.exitCode ?? 1;
  }
}

/** A file or record that is not what it should be. */
export class DataError extends UserError {
  override readonly name = "DataError";
}

/** A flag or setting that is unknown or out of range. Exits with 2, as is customary for usage errors. */
export class ConfigError extends UserError {
  override readonly name = "ConfigError";

  constructor(message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, { ...options, exitCode: 2 });
  }
}

/** The adapter or device is missing, too small, lost, or reported an error. */
export class DeviceError extends UserError {
  override readonly name: string = "DeviceError";
}

/** The device is gone, with all that was on it: another one may be opened in its place. */
export class DeviceLostError extends DeviceError {
  override readonly name = "DeviceLostError";
}

/** The loss became NaN or infinite. */
export class NonFiniteLossError extends UserError {
  override readonly name = "NonFiniteLossError";
}
