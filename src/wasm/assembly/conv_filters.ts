import { i32Param, pointer } from "./block";

/**
 * Packs filters for conv2d: [panels of O][blocks of C][KH][KW][channels][8], zeros beyond O.
 * w is [KH, KW, C, O]; `flip` takes w as [KH, KW, O, C] turned by half a circle: its gradient in x.
 * A unit is a panel.
 */
export function conv2d_pack_filters(p: usize, first: i32, last: i32, _scratch: usize): void {
  const w = pointer(p, 0), packed = pointer(p, 1);
  const kh = i32Param(p, 2), kw = i32Param(p, 3), c = i32Param(p, 4), o = i32Param(p, 5);
  const channels = i32Param(p, 6), flip = i32Param(p, 7) != 0;
  const taps = kh * kw;
  // Bytes from one channel to the next, and from one filter to the next.
  const down: usize = flip ? 4 : <usize> o << 2, across: usize = flip ? <usize> c << 2 : 4;
  for (let panel = first; panel < last; panel++) {
    let to = packed + (<usize> (panel * taps * c) << 5);
    const columns = min(8, o - (panel << 3));
    for (let channel = 0; channel < c; channel += channels) {
      const width = min(channels, c - channel);
      for (let tap = 0; tap < taps; tap++) {
        const source = flip ? taps - 1 - tap : tap;
        let from = w + (<usize> (source * c * o) << 2) + <usize> channel * down +
          <usize> (panel << 3) * across;
        for (let i = 0; i < width; i++) {
          for (let j = 0; j < 8; j++) {
            store<f32>(
              to + (<usize> j << 2),
              j < columns ? load<f32>(from + <usize> j * across) : 0,
            );
          }
          to += 32;
          from += down;
        }
      }
    }
  }
}
