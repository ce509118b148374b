import { add, divide, multiply, reciprocal, scale, sqrt } from "../ops/elementwise.ts";
import { packTensors, reshape, transpose, viewAt } from "../ops/layout.ts";
import { matmul } from "../ops/matmul.ts";
import { l2Loss } from "../ops/reduce.ts";
import { momentumUpdate, sgdUpdate } from "../ops/update.ts";
import { sizeOf } from "../tensor/shape.ts";
import { constant, fill, type Tensor } from "../tensor/tensor.ts";
import { type BlockLayout, filledBlock } from "./block.ts";
import type { OptimizerInputs } from "./optimizers.ts";

type Parameter = BlockLayout["specs"][number];

/** Of the quintic a x + b x^3 + c x^5, whose slope at zero is as steep as it can be without leaving [0, about 1.2]. */
const [A, B, C] = [3.4445, -4.7750, 2.0315] as const;
const STEPS = 3;
/** Added to the norm that a matrix is divided by. */
const EPSILON = 1e-7;

/** Whether a parameter is a convolution's filters, which learn by their matrix; what is frozen is left alone. */
function isMatrix({ shape, rate }: Parameter): boolean {
  return shape.length === 4 && rate !== 0;
}

/**
 * v = m v + g; d = g + m v. Filters [KH, KW, C, O] as matrices [KH KW C, O]: w := sqrt(O) w / |w| - rate
 * orthogonalized(d), m the muon momentum; they must have a normalization behind them, as their size is lost. All
 * else: w -= rate d. Source: K. Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024, as
 * cifar10-airbench has it.
 */
export function muonUpdate(
  { settings, parameters, gradient, state, rates, layout, limited }: OptimizerInputs,
): Tensor {
  const { specs, offsets } = layout;
  const { momentum, muonMomentum } = settings;
  const momenta = filledBlock(layout, (spec) => isMatrix(spec) ? muonMomentum : momentum);
  const own = constant(momenta, [layout.size], "momenta");
  // The update in place knows one momentum: what a filter's differs by goes with its gradient.
  const differing = constant(momenta.map((m) => m - momentum), [layout.size], "momenta");
  const given = add(gradient, multiply(state.velocity, differing));
  const velocity = momentumUpdate(state.velocity, given, fill(momentum));
  const ahead = add(gradient, multiply(velocity, own));
  const directions = specs.map((spec, i) => {
    const direction = viewAt(ahead, spec.shape, offsets[i]);
    if (!isMatrix(spec)) return multiply(direction, rates(0));
    const weights = viewAt(parameters, spec.shape, offsets[i]);
    return filterStep(weights, direction, { ...spec, rates: rates(0) });
  });
  return sgdUpdate(parameters, limited(packTensors(directions)), fill(1));
}

/** What is to be taken off the filters. */
function filterStep(
  weights: Tensor,
  direction: Tensor,
  { shape, rate, rates }: Parameter & { readonly rates: Tensor },
): Tensor {
  const outputs = shape[3];
  const matrix = reshape(direction, [sizeOf(shape) / outputs, outputs]);
  const turned = multiply(orthogonalized(matrix), rate === 1 ? rates : scale(rates, rate));
  const size = divide(fill(Math.sqrt(outputs)), sqrt(l2Loss(weights, 2)));
  // w - (1 - s) w = s w.
  const shrunk = multiply(weights, add(scale(size, -1), fill(1)));
  return add(shrunk, reshape(turned, shape));
}

/** Roughly U V' of x = U S V' [M, N]: all singular values near 1, by Newton and Schulz's iteration with a quintic. */
export function orthogonalized(x: Tensor): Tensor {
  const [rows, columns] = x.shape;
  let y = multiply(x, reciprocal(add(sqrt(l2Loss(x, 2)), fill(EPSILON))));
  for (let step = 0; step < STEPS; step++) {
    // The smaller of y'y and yy'.
    const square = columns <= rows ? matmul(y, y, { transposeA: true }) : matmul(y, transpose(y));
    const rest = add(scale(square, B), scale(matmul(square, square), C));
    y = add(scale(y, A), columns <= rows ? matmul(y, rest) : matmul(rest, y));
  }
  return y;
}
