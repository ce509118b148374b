// The matrix product of a workgroup of SIDE by SIDE threads, for GPUs: a tile of a (4 * SIDE *
// ROW_QUADS rows) and one of b (4 * SIDE * COL_QUADS columns), SIDE steps of k deep, lie in
// workgroup memory; a thread owns 4 * ROW_QUADS rows by 4 * COL_QUADS columns of y in registers.
//
// Global loads: each number is fetched once a workgroup instead of once a thread, and neighboring
//   threads fetch neighboring numbers (coalescing).
// Workgroup memory: both tiles are k-major and hold vec4s of rows and of columns, so that a step
//   of k costs a thread ROW_QUADS + COL_QUADS reads for 4 * ROW_QUADS * COL_QUADS vec4 FMAs. Threads
//   of a row read one vec4 of a (a broadcast) and adjacent vec4s of b, free of bank conflicts.
//   A line of a_tile is one vec4 longer than its content, so that threads that fetch along k, and
//   so write down a column of the tile, fall into different banks too.
// Size: 8.25 KiB at SIDE 16 and quads 1; 16.25 KiB at SIDE 16 and quads 2, which is more than
//   the 16 KiB that every device has. SIDE 8 gives four times as many workgroups, for small ones.
//
// Source: the blocked GEMM of V. Volkov and J. Demmel, "Benchmarking GPUs to tune dense linear
// algebra", SC08; register tiles as in S. Boehm, "How to optimize a CUDA matmul kernel", 2022.

const SIDE = 16u;
const ROW_QUADS = 1u;
const COL_QUADS = 1u;
const A_LINE = SIDE * ROW_QUADS + 1u;
const B_LINE = SIDE * COL_QUADS;

var<workgroup> a_tile: array<vec4f, SIDE * A_LINE>;
var<workgroup> b_tile: array<vec4f, SIDE * B_LINE>;

// Entry r * COL_QUADS + q of acc holds row 4 * (thread.y + SIDE * (r / 4)) + r % 4 of the tile, and
// columns 4 * (thread.x + SIDE * q) and the next three.
fn multiply_tiles(acc: ptr<function, array<vec4f, 4u * ROW_QUADS * COL_QUADS>>, thread: vec2u) {
  for (var k = 0u; k < SIDE; k++) { //! unroll
    for (var i = 0u; i < ROW_QUADS; i++) { //! unroll
      let a_part = a_tile[k * A_LINE + thread.y + SIDE * i];
      for (var q = 0u; q < COL_QUADS; q++) { //! unroll
        let b_part = b_tile[k * B_LINE + thread.x + SIDE * q];
        for (var r = 0u; r < 4u; r++) { //! unroll
          (*acc)[(4u * i + r) * COL_QUADS + q] =
            fma(vec4f(a_part[r]), b_part, (*acc)[(4u * i + r) * COL_QUADS + q]);
        }
      }
    }
  }
}
