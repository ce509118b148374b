/**
 * Packs filters for conv_forward: [panels of O][blocks of C][KH][KW][channels][8], zeros beyond O.
 * w is [KH, KW, C, O]; `flip` takes w as [KH, KW, O, C] turned by half a circle: its gradient in x.
 * A unit is a panel.
 */
export function conv_pack_filters(p: usize, first: i32, last: i32, _scratch: usize): void {
  const w = <usize> load<u32>(p), packed = <usize> load<u32>(p, 4);
  const kh = load<i32>(p, 8), kw = load<i32>(p, 12), c = load<i32>(p, 16), o = load<i32>(p, 20);
  const channels = load<i32>(p, 24), flip = load<i32>(p, 28) != 0;
  const taps = kh * kw;
  // Bytes from one channel to the next, and from one filter to the next.
  const down = <usize> (flip ? 1 : o) << 2, across = <usize> (flip ? c : 1) << 2;
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
