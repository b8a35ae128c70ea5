/** Where an answer goes: one client's response, as the line sees it. */
export interface Reply {
  /** Whether the head has been sent: the status is settled. */
  readonly started: boolean;
  /** Whether the client has been sent any of an answer: from then on no other endpoint can answer. */
  readonly spoken: boolean;
  /** Whether the client has left before it was given everything. */
  readonly gone: boolean;
  /** Whether somebody else ended the request, in place of the client: it counts as gone, and is to be told. */
  readonly cancelled: boolean;
  /** Whether the client reads too slowly for more. */
  readonly isFull: boolean;
  /** Whether the answer is one whole, into which nothing may be put. */
  isWhole: boolean;
  /** How often anything was sent. */
  readonly writes: number;
  /** Headers that say who answers and why: they go out with the head, of an endpoint's refusal too. */
  answeredBy: readonly string[];
  /** Headers that go out with the head, in place of those noted before; names and values in turn. */
  note(headers: readonly string[]): void;
  /** Sends the head; names and values in turn. `length` in bytes, where the whole body is known. */
  start(status: number, headers: readonly string[], length?: number): void;
  /** Takes the bytes or a copy before it returns. False: the client reads too slowly; write on after `onceDrained`. */
  write(bytes: Buffer): boolean;
  /** Sends what is no part of the answer. */
  beat(bytes: Buffer): void;
  end(bytes?: Buffer): void;
  /** Breaks the connection off, so that what was sent does not look complete. */
  cut(): void;
  onceDrained(callback: () => void): void;
  /** Calls back when the client leaves, at once where it has left; a later callback replaces an earlier one. */
  onGone(callback: () => void): void;
}
