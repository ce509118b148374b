// A dimension of a dispatch is at most 65535, so a long row of workgroups is folded into two or
// three dimensions and may overshoot. This is a workgroup's place in that row; the caller returns
// where it is past the end.

fn folded(workgroup: vec3u, groups: vec3u) -> u32 {
  return workgroup.x + groups.x * (workgroup.y + groups.y * workgroup.z);
}
