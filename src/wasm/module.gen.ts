// Made by `deno task gen:wasm` from src/wasm/assembly/*.ts. Do not edit.
// deno-fmt-ignore-file

/** The kernels that the module exports; a thread calls them by their place in this list. */
export const KERNEL_NAMES = [
  "affine",
] as const;

/** The module's bytes in base64. */
export const MODULE_BASE64 = "AGFzbQEAAAABCAFgBH9/f38AAhIBA2VudgZtZW1vcnkCAwCAgAQDAgEABgcBfwBBgCALBxsDBUJMT0NLAwAGYWZmaW5lAAAGbWVtb3J5AgAKrwEBrAEDAn8CfQJ7IAAoAgAhAyAAKAIEIQQgAkEMdCICIAAoAggiBSACIAVJGyECIAAqAgwiBv0TIQggACoCECIH/RMhCSABQQx0IQADQCAAQQRqIgEgAk0EQCAAQQJ0IgAgBGogCCAAIANq/QAEACAJ/YUC/QsEACABIQAMAQsLA0AgACACSQRAIABBAnQiASAEaiAGIAEgA2oqAgCUIAeSOAIAIABBAWohAAwBCwsL";
