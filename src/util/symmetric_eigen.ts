/** The eigenvalues of a symmetric matrix, largest first, and their eigenvectors. */
export interface SymmetricEigen {
  readonly values: Float64Array;
  /** Row i: the eigenvector of value i, of length 1, its largest component positive. */
  readonly vectors: readonly Float64Array[];
}

/** Sweeps until nothing is left beside the diagonal: far more than any matrix has needed. */
const MOST_SWEEPS = 60;

/**
 * Eigenvalues and eigenvectors of a real symmetric matrix by Jacobi's rotations, row by row (Golub and Van Loan,
 * "Matrix computations", 8.5). For small matrices: a sweep takes about 4 n^3 multiplications.
 *
 * @param matrix [n, n], row-major; what stands below the diagonal counts not
 * @throws {RangeError} if a number is not finite
 */
export function symmetricEigen(matrix: ArrayLike<number>, n: number): SymmetricEigen {
  const a = Float64Array.from({ length: n * n }, (_, at) => {
    const [row, column] = [Math.floor(at / n), at % n];
    return matrix[Math.min(row, column) * n + Math.max(row, column)];
  });
  if (!a.every(Number.isFinite)) {
    throw new RangeError("Cannot find eigenvalues as the matrix has a number that is not finite");
  }
  const v = Float64Array.from({ length: n * n }, (_, at) => Math.floor(at / n) === at % n ? 1 : 0);
  for (let sweep = 0; sweep < MOST_SWEEPS && sweepOnce(a, v, n); sweep++);
  const order = Array.from({ length: n }, (_, i) => i)
    .sort((i, j) => a[j * n + j] - a[i * n + i]);
  return {
    values: Float64Array.from(order, (i) => a[i * n + i]),
    vectors: order.map((column) =>
      positive(Float64Array.from({ length: n }, (_, i) => v[i * n + column]))
    ),
  };
}

/** Rotates each pair of axes once; false if nothing was left to rotate. */
function sweepOnce(a: Float64Array, v: Float64Array, n: number): boolean {
  let rotated = false;
  for (let p = 0; p < n; p++) {
    for (let q = p + 1; q < n; q++) {
      const beside = a[p * n + q];
      // Too small to change either value.
      const least = Number.EPSILON * Math.sqrt(Math.abs(a[p * n + p] * a[q * n + q]));
      if (Math.abs(beside) <= least * 0.5 || beside === 0) continue;
      rotated = true;
      const theta = (a[q * n + q] - a[p * n + p]) / (2 * beside);
      const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
      const cosine = 1 / Math.hypot(t, 1), sine = t * cosine;
      rotate(a, n, { p, q, cosine, sine });
      for (let i = 0; i < n; i++) {
        const [x, y] = [v[i * n + p], v[i * n + q]];
        v[i * n + p] = cosine * x - sine * y;
        v[i * n + q] = sine * x + cosine * y;
      }
    }
  }
  return rotated;
}

/** A := R' A R. */
function rotate(
  a: Float64Array,
  n: number,
  { p, q, cosine, sine }: { p: number; q: number; cosine: number; sine: number },
): void {
  for (let i = 0; i < n; i++) {
    const [x, y] = [a[i * n + p], a[i * n + q]];
    a[i * n + p] = cosine * x - sine * y;
    a[i * n + q] = sine * x + cosine * y;
  }
  for (let i = 0; i < n; i++) {
    const [x, y] = [a[p * n + i], a[q * n + i]];
    a[p * n + i] = cosine * x - sine * y;
    a[q * n + i] = sine * x + cosine * y;
  }
}

/** An eigenvector has two signs: the one whose largest component is positive. */
function positive(vector: Float64Array): Float64Array {
  const largest = vector.reduce((best, x) => Math.abs(x) > Math.abs(best) ? x : best, 0);
  return largest < 0 ? vector.map((x) => -x) : vector;
}
