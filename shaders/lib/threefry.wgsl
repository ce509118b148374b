// Threefry-4x32 with 20 rounds: a counter of four words to four random words; the twin of threefry4x32 of
// src/util/random.ts, bit for bit. Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2,
// 3", SC11.

fn threefry_round(v: vec4u, even: u32, odd: u32) -> vec4u {
  let x = v.x + v.y;
  let z = v.z + v.w;
  let y = ((v.y << even) | (v.y >> (32u - even))) ^ x;
  let w = ((v.w << odd) | (v.w >> (32u - odd))) ^ z;
  // Words 1 and 3 trade places after each round.
  return vec4u(x, w, z, y);
}

fn threefry_first(v: vec4u) -> vec4u {
  return threefry_round(threefry_round(threefry_round(threefry_round(v, 10u, 26u), 11u, 21u), 13u, 27u), 23u, 5u);
}

fn threefry_second(v: vec4u) -> vec4u {
  return threefry_round(threefry_round(threefry_round(threefry_round(v, 6u, 20u), 17u, 11u), 25u, 10u), 18u, 20u);
}

fn threefry4x32(key: vec4u, counter: vec4u) -> vec4u {
  let parity = 0x1bd11bdau ^ key.x ^ key.y ^ key.z ^ key.w;
  var v = threefry_first(counter + key) + vec4u(key.y, key.z, key.w, parity + 1u);
  v = threefry_second(v) + vec4u(key.z, key.w, parity, key.x + 2u);
  v = threefry_first(v) + vec4u(key.w, parity, key.x, key.y + 3u);
  v = threefry_second(v) + vec4u(parity, key.x, key.y, key.z + 4u);
  return threefry_first(v) + vec4u(key.x, key.y, key.z, key.w + 5u);
}
