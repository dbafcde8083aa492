import fc from "fast-check";

/**
 * fast-check with a fixed seed, so that a run of the tests says something about the code and not about the dice.
 * `ROUNDS=20 npm run test:properties` draws a fresh seed for each round; a failure prints its own.
 */
fc.configureGlobal({ seed: Number(process.env["SWATH_SEED"] ?? 0x5157) });

export default fc;
