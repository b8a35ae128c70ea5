/** Why nothing was started: one message, ready to be printed as it is. */
export class ConfigError extends Error {
  /** What the process exits with. */
  readonly exitCode = 3;
}
