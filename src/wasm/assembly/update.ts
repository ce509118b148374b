// Optimizer updates, in place, in one pass. A unit is a block of BLOCK elements.
import { BLOCK, pointer, storePart, u32Param } from "./block";

// w -= learning_rate * g
export function sgd_update(p: usize, first: i32, last: i32, _scratch: usize): void {
  const g = pointer(p, 0), rate = v128.load32_splat(pointer(p, 1)), w = pointer(p, 2);
  const end = min<u32>(<u32> last * BLOCK, u32Param(p, 3));
  for (let i = <u32> first * BLOCK; i < end; i += 4) {
    const at = w + (i << 2);
    const v = f32x4.relaxed_nmadd(rate, v128.load(g + (i << 2)), v128.load(at));
    storePart(at, v, end - i);
  }
}

// velocity = momentum * velocity + g
export function momentum_update(p: usize, first: i32, last: i32, _scratch: usize): void {
  const g = pointer(p, 0), momentum = v128.load32_splat(pointer(p, 1)), velocity = pointer(p, 2);
  const end = min<u32>(<u32> last * BLOCK, u32Param(p, 3));
  for (let i = <u32> first * BLOCK; i < end; i += 4) {
    const at = velocity + (i << 2);
    const v = f32x4.relaxed_madd(momentum, v128.load(at), v128.load(g + (i << 2)));
    storePart(at, v, end - i);
  }
}

// shadow -= (1 - decay) * (shadow - x)
export function ema_update(p: usize, first: i32, last: i32, _scratch: usize): void {
  const x = pointer(p, 0), shadow = pointer(p, 2);
  const rest = f32x4.sub(f32x4.splat(1), v128.load32_splat(pointer(p, 1)));
  const end = min<u32>(<u32> last * BLOCK, u32Param(p, 3));
  for (let i = <u32> first * BLOCK; i < end; i += 4) {
    const at = shadow + (i << 2);
    const s = v128.load(at);
    const v = f32x4.relaxed_nmadd(rest, f32x4.sub(s, v128.load(x + (i << 2))), s);
    storePart(at, v, end - i);
  }
}

// w -= rates[0] decay w + rates[1] first / (sqrt(second) rates[2] + rates[3])
export function adamw_update(p: usize, first: i32, last: i32, _scratch: usize): void {
  const mean = pointer(p, 0), squares = pointer(p, 1), decay = pointer(p, 2);
  const rates = pointer(p, 3), w = pointer(p, 4);
  const rate = v128.load32_splat(rates), stepRate = v128.load32_splat(rates, 4);
  const correction = v128.load32_splat(rates, 8), epsilon = v128.load32_splat(rates, 12);
  const end = min<u32>(<u32> last * BLOCK, u32Param(p, 5));
  for (let i = <u32> first * BLOCK; i < end; i += 4) {
    const at = w + (i << 2);
    const root = f32x4.sqrt(v128.load(squares + (i << 2)));
    const divisor = f32x4.relaxed_madd(root, correction, epsilon);
    const step = f32x4.div(f32x4.mul(stepRate, v128.load(mean + (i << 2))), divisor);
    // One difference: a factor 1 - rate decay would round away most of a small decay.
    const v = v128.load(at);
    const shrink = f32x4.mul(f32x4.mul(rate, v128.load(decay + (i << 2))), v);
    storePart(at, f32x4.sub(v, f32x4.add(shrink, step)), end - i);
  }
}

// history[row, i] = x[i]
export function record_row(p: usize, first: i32, last: i32, _scratch: usize): void {
  const x = pointer(p, 0), row = u32Param(pointer(p, 1), 0), history = pointer(p, 2);
  const length = u32Param(p, 3);
  const from = <u32> first * BLOCK, end = min<u32>(<u32> last * BLOCK, length);
  memory.copy(history + ((row * length + from) << 2), x + (from << 2), (end - from) << 2);
}
