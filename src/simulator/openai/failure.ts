/** An answer with an error; each kind has its own object for it. */
export class ApiFailure extends Error {
  readonly status: number;
  /** The kind's error type; it has a default for each status. */
  readonly type: string | undefined;
  readonly code: string | undefined;
  readonly param: string | undefined;
  /** More fields of the error object. */
  readonly more: object;

  constructor(
    status: number,
    message: string,
    parts: { type?: string; code?: string; param?: string; more?: object } = {},
  ) {
    super(message);
    this.status = status;
    this.type = parts.type;
    this.code = parts.code;
    this.param = parts.param;
    this.more = parts.more ?? {};
  }
}
