/** Where an answer goes: one client's response, as the line sees it. */
export interface Reply {
  /** Whether the client has been sent anything: from then on no other endpoint can answer. */
  readonly started: boolean;
  /** Whether the client has left before it was given everything. */
  readonly gone: boolean;
  /** Sends the head; names and values in turn. `length` in bytes, where the whole body is known. */
  start(status: number, headers: readonly string[], length?: number): void;
  /** Takes the bytes or a copy before it returns. False: the client reads too slowly; write on after `onceDrained`. */
  write(bytes: Buffer): boolean;
  end(bytes?: Buffer): void;
  /** Breaks the connection off, so that what was sent does not look complete. */
  cut(): void;
  onceDrained(callback: () => void): void;
  /** Calls back when the client leaves, at once where it has left; a later callback replaces an earlier one. */
  onGone(callback: () => void): void;
}
