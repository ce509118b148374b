// What the calls of a queue fail with. Source: the status codes of TensorFlow's queue kernels.

/** A call that cannot succeed any more as its queue is closed, or a wait that was called off. */
export class CancelledError extends Error {
  override readonly name = "CancelledError";
}

/** The end of the input: the queue is closed and holds too few elements. */
export class OutOfRangeError extends Error {
  override readonly name = "OutOfRangeError";
}

/** An element, a count or a setting that the queue cannot take. */
export class InvalidArgumentError extends Error {
  override readonly name = "InvalidArgumentError";
}
