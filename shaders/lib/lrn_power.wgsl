// s^-BETA. The usual 0.75 needs no logarithm: with r = s^-0.5, s^-0.75 = r sqrt(r). elem is the using file's.
fn power(s: elem) -> elem {
  if (BETA == 0.75) {
    let r = inverseSqrt(s);
    return r * sqrt(r);
  }
  return pow(s, elem(-BETA));
}
