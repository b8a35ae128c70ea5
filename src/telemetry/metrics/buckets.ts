/** Upper ends of buckets, in seconds. Waits for a place and for a first token. */
export const WAIT_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

/** Whole requests: lists take milliseconds, long answers minutes. */
export const REQUEST_SECONDS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];

/** Loads of models. */
export const LOAD_SECONDS = [0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600];

/** Between two tokens, as OpenTelemetry has them. */
export const TOKEN_SECONDS = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5];
