const INVERSE_ROOT_TAU = 1 / Math.sqrt(2 * Math.PI);

/** The standard normal density, e^(-x^2 / 2) / sqrt(2 pi). */
export function normalDensity(x: number): number {
  return INVERSE_ROOT_TAU * Math.exp(-x * x / 2);
}

/**
 * The standard normal distribution, (1 + erf(x / sqrt(2))) / 2, to 1e-15: 1/2 + density(x) (x + x^3 / 3 +
 * x^5 / (3 5) + ...). Source: G. Marsaglia, "Evaluating the normal distribution", J. Statistical Software 11, 2004.
 */
export function normalDistribution(x: number): number {
  // Beyond, the rest is less than float64 tells from 0.
  if (Math.abs(x) > 9) return x > 0 ? 1 : 0;
  let sum = x;
  let term = x;
  for (let i = 3, before = NaN; sum !== before; i += 2) {
    before = sum;
    term *= x * x / i;
    sum += term;
  }
  return 0.5 + sum * normalDensity(x);
}
