// Two numbers a column that many lanes gather from different rows: either a mean and the sum of squared
// differences from it (MOMENTS) or two plain sums. The using file has MOMENTS, WORKGROUP and elem.
struct Lane { count: f32, first: elem, second: elem }

// Both together. Moments as in Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for
// computing sample variances", 1979: nothing cancels, however far the mean is from zero.
fn merged(a: Lane, b: Lane) -> Lane {
  let count = a.count + b.count;
  if (MOMENTS) {
    let d = b.first - a.first;
    let share = b.count / max(count, 1.0);
    return Lane(count, a.first + d * share, a.second + b.second + d * d * (a.count * share));
  }
  return Lane(count, a.first + b.first, a.second + b.second);
}

var<workgroup> lane_counts: array<f32, WORKGROUP>;
var<workgroup> lane_firsts: array<elem, WORKGROUP>;
var<workgroup> lane_seconds: array<elem, WORKGROUP>;

// Merges the lanes of a workgroup that have the same column, in pairs and so in a fixed order; right in the
// first `columns` invocations. Invocation `local` is lane local / columns of column local % columns. All
// invocations must come here.
fn merge_lanes(local: u32, columns: u32, own: Lane) -> Lane {
  var lane = own;
  var lanes = WORKGROUP / columns;
  while (lanes > 1u) {
    lane_counts[local] = lane.count;
    lane_firsts[local] = lane.first;
    lane_seconds[local] = lane.second;
    workgroupBarrier();
    let half = (lanes + 1u) / 2u;
    if (local / columns + half < lanes) {
      let other = local + half * columns;
      lane = merged(lane, Lane(lane_counts[other], lane_firsts[other], lane_seconds[other]));
    }
    workgroupBarrier();
    lanes = half;
  }
  return lane;
}
