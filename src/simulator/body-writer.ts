import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Recording } from './record.ts';
import type { FaultRule } from './simulation.ts';
import { Gone, wholeTurn } from './wait.ts';

/** Writes an answer's body: waits for slow clients, cuts and splits where a fault says so, and counts. */
export class BodyWriter {
  readonly #response: ServerResponse;
  readonly #recording: Recording;
  readonly #fault: FaultRule;
  readonly #changed: () => void;

  constructor(response: ServerResponse, recording: Recording, fault: FaultRule, changed: () => void) {
    this.#response = response;
    this.#recording = recording;
    this.#fault = fault;
    this.#changed = changed;
  }

  /** Resolves when the client has room for more; throws {@link Gone} once the connection is closed. */
  async write(bytes: Buffer): Promise<void> {
    for (const piece of pieces(bytes, this.#recording.responseBytes, this.#fault)) {
      const room = this.#roomBeforeCut(piece.length);
      await this.#writePiece(piece.subarray(0, room));
      if (room < piece.length || this.#isCut()) await this.cut();
    }
  }

  /** Destroys the connection once everything written so far has left. */
  async cut(): Promise<never> {
    this.#recording.cut = true;
    const socket = this.#response.socket;
    if (socket !== null && !socket.destroyed) {
      const { promise, resolve } = Promise.withResolvers<void>();
      socket.write('', () => resolve());
      socket.once('close', () => resolve());
      await promise;
      socket.destroy();
    }
    throw new Gone();
  }

  #isCut(): boolean {
    return typeof this.#fault.cutAtByte === 'number' && this.#recording.responseBytes >= this.#fault.cutAtByte;
  }

  #roomBeforeCut(length: number): number {
    if (typeof this.#fault.cutAtByte !== 'number') return length;
    return Math.min(length, this.#fault.cutAtByte - this.#recording.responseBytes);
  }

  async #writePiece(piece: Buffer): Promise<void> {
    if (piece.length === 0) return;
    if (this.#response.destroyed) throw new Gone();
    const { promise: taken, resolve } = Promise.withResolvers<void>();
    const hasRoom = this.#response.write(piece, () => resolve());
    this.#recording.responseBytes += piece.length;
    if (!hasRoom) await this.#drained();
    if (isSplit(this.#fault)) await this.#read(taken);
    this.#changed();
  }

  /** Lets the other side read what was taken before anything follows it. */
  async #read(taken: Promise<void>): Promise<void> {
    const gone = new AbortController();
    const closed = once(this.#response, 'close', { signal: gone.signal }).catch(() => undefined);
    await Promise.race([taken, closed]);
    gone.abort();
    if (this.#response.destroyed) throw new Gone();
    await wholeTurn();
  }

  async #drained(): Promise<void> {
    if (this.#response.destroyed) throw new Gone();
    this.#recording.blocked = true;
    this.#recording.blockedCount++;
    this.#changed();
    const gone = new AbortController();
    try {
      await Promise.race([
        once(this.#response, 'drain', { signal: gone.signal }),
        once(this.#response, 'close', { signal: gone.signal }),
      ]);
    } finally {
      gone.abort();
      this.#recording.blocked = false;
    }
    if (this.#response.destroyed) throw new Gone();
  }
}

/** Whether a fault asks for pieces. */
export function isSplit(fault: FaultRule): boolean {
  return fault.oneByteWrites === true || fault.splitAt !== undefined;
}

/** The bytes in the pieces that a fault asks for; `offset` is where they start in the body. */
function pieces(bytes: Buffer, offset: number, fault: FaultRule): Buffer[] {
  if (fault.oneByteWrites === true) return [...bytes.keys()].map((i) => bytes.subarray(i, i + 1));
  const cuts = (fault.splitAt ?? []).map((at) => at - offset).filter((at) => at > 0 && at < bytes.length);
  const edges = [0, ...cuts.sort((a, b) => a - b), bytes.length];
  return edges.slice(1).map((end, i) => bytes.subarray(edges[i], end));
}
