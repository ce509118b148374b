// The standard normal distribution. WGSL has no erf: with t = 1 / (1 + 0.3275911 |x| / sqrt(2)),
//   1 - distribution(|x|) = (a1 t + ... + a5 t^5) e^(-x^2 / 2) / 2,
// to 1e-7 (Abramowitz and Stegun, "Handbook of Mathematical Functions", 7.1.26), as close as float32 rounds.
// elem is the using file's: f32, or four of them. bell: e^(-x^2 / 2).
fn normal_distribution(x: elem, bell: elem) -> elem {
  let t = 1.0 / (1.0 + 0.23164189 * abs(x));
  let poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  let rest = 0.5 * poly * bell;
  return select(1.0 - rest, rest, x < elem(0.0));
}

fn gelu(x: elem) -> elem {
  return x * normal_distribution(x, exp(-0.5 * x * x));
}

// The derivative itself, not that of the approximation: distribution(x) + x density(x).
fn gelu_slope(x: elem) -> elem {
  let bell = exp(-0.5 * x * x);
  return normal_distribution(x, bell) + x * (0.3989422804 * bell);
}
