/** An answer with an error: `{"error": message}` with this status. */
export class OllamaFailure extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}
