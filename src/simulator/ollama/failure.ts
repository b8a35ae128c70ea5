/** An answer with an error: `{"error": message}` with this status, and what else stands beside it. */
export class OllamaFailure extends Error {
  readonly status: number;
  readonly beside: object;

  constructor(status: number, message: string, beside: object = {}) {
    super(message);
    this.status = status;
    this.beside = beside;
  }
}
