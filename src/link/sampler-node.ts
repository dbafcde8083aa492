/**
 * How Node runs the sampler. New objects lie in 1 MiB until they are collected: more often, but what is alive then is a third,
 * and nothing in the loop waits longer than that takes (the default is 16 MiB, and 25 MB more of memory). One thread collects
 * them: helpers, which wait for a processor that others use, cost more than so little work. Also in `swath-sampler.service`.
 */
export const SAMPLER_NODE_FLAGS: readonly string[] = ["--max-semi-space-size=1", "--no-parallel-scavenge"];
