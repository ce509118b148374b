// Comparing a value with itself does not find NaN on every driver: its bits do. elem, place and truth are the
// using file's: a number, its bits and a bool, or four of each.
fn is_nan(v: elem) -> truth {
  return (bitcast<place>(v) & place(0x7fffffffu)) > place(0x7f800000u);
}
