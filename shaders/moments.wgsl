// Mean and sum of squared differences from it, for each column of x and each part of the rows; channel_merge.wgsl
// makes one of the parts. x: [rows, C]; partial: [parts, 2, C]. Where C is a multiple of 4, elem is vec4f and
// columns counts vectors.
// A part is `span` rows, taken eight a trip: their mean first, then their differences, all in registers, so that x
// is read once and nothing cancels. Means are given from the column's first number on, for float32 numbers about
// 1000 lie 6e-5 apart.
// With TREE, which a GPU wants, a part is a workgroup's, which columns divides: its lanes take rows in turn, so that
// neighbors read neighboring numbers, and are merged in workgroup memory. Without it, as software adapters want,
// a part is a lane's: there barriers cost, and a lane that reads on and on is what caches are made for.
// Dispatch: ceil(parts * columns / WORKGROUP) workgroups, folded; with TREE, parts.
//! use lib/fold.wgsl

override TREE: bool;

const MOMENTS = true;
const WORKGROUP = 64u;
alias elem = f32;

struct Params { rows: u32, columns: u32, span: u32 }

@group(0) @binding(0) var<storage, read> x: array<elem>;
@group(0) @binding(1) var<storage, read_write> partial: array<elem>;
@group(0) @binding(2) var<uniform> p: Params;

//! use lib/lanes.wgsl

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = folded(group, groups) * WORKGROUP + local;
  let column = index % p.columns;
  let lanes = select(1u, WORKGROUP / p.columns, TREE);
  let part = index / p.columns / lanes;
  // A part beyond the last has no rows, but meets the barriers.
  let end = min((part + 1u) * p.span, p.rows);
  let origin = x[column];
  var found = Lane(0.0, elem(0.0), elem(0.0));
  var row = part * p.span + index / p.columns % lanes;
  for (; row + 7u * lanes < end; row += 8u * lanes) {
    var values = array<elem, 8>();
    var sum = elem(0.0);
    for (var i = 0u; i < 8u; i++) { //! unroll
      values[i] = x[(row + i * lanes) * p.columns + column] - origin;
      sum += values[i];
    }
    let mean = sum / 8.0;
    var squares = elem(0.0);
    for (var i = 0u; i < 8u; i++) { //! unroll
      let d = values[i] - mean;
      squares += d * d;
    }
    found = merged(found, Lane(8.0, mean, squares));
  }
  for (; row < end; row += lanes) {
    found = merged(found, Lane(1.0, x[row * p.columns + column] - origin, elem(0.0)));
  }
  if (TREE) { found = merge_lanes(local, p.columns, found); }
  if (part * p.span >= p.rows || (TREE && local >= p.columns)) { return; }
  partial[2u * part * p.columns + column] = found.first;
  partial[(2u * part + 1u) * p.columns + column] = found.second;
}
