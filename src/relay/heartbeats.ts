import type { Call, Heartbeat } from '../protocols/call.ts';
import { streamHeaders } from './headers.ts';
import type { Reply } from './reply.ts';

/** Looks per interval: a stream is silent for the interval, and at most this fraction of it longer. */
const LOOKS = 4;

/** A stream that is watched for silence. */
interface Watched {
  readonly reply: Reply;
  readonly heartbeat: Heartbeat;
  /** The reply's writes at the last look, and looks in a row without another one. */
  writes: number;
  silentLooks: number;
}

const NOTHING: Disposable = { [Symbol.dispose]() {} };

/**
 * Gives a sign of life to clients whose endpoint is silent, since many clients and proxies give up after half a minute.
 * Until the first one a failure can still have its own status. One timer for all streams: none is set for each.
 */
export class Heartbeats {
  readonly #everyMs: number;
  readonly #watched = new Set<Watched>();
  #timer: NodeJS.Timeout | undefined;

  /** `everyMs` 0: no signs of life. */
  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  /** Watches a reply until it is left, if it is a stream that has a sign of life. */
  watch(call: Call, reply: Reply): Disposable {
    const heartbeat = call.streaming && this.#everyMs > 0 ? call.operation.heartbeat?.(call) : undefined;
    if (heartbeat === undefined) return NOTHING;
    // The next look may come at once.
    const watched = { reply, heartbeat, writes: reply.writes, silentLooks: -1 };
    this.#watched.add(watched);
    this.#timer ??= setInterval(() => this.#look(), this.#everyMs / LOOKS).unref();
    return { [Symbol.dispose]: () => this.#leave(watched) };
  }

  #leave(watched: Watched): void {
    this.#watched.delete(watched);
    if (this.#watched.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    for (const watched of this.#watched) {
      const { writes } = watched.reply;
      watched.silentLooks = writes === watched.writes ? watched.silentLooks + 1 : 0;
      watched.writes = writes;
      if (watched.silentLooks < LOOKS) continue;
      beat(watched);
      watched.silentLooks = 0;
      watched.writes = watched.reply.writes;
    }
  }
}

/** A client that does not read what it has been sent needs no more. */
function beat({ reply, heartbeat }: Watched): void {
  if (reply.gone || reply.isFull || reply.isWhole) return;
  if (!reply.started) reply.start(200, streamHeaders(['Content-Type', heartbeat.contentType]));
  reply.beat(Buffer.from(heartbeat.text));
}
