// Every kernel of the CPU engine. The contract of a kernel stands in ../kernels.ts.
export * from "./elementwise";
