import { RouterError } from '../errors.ts';
import { streamHeaders } from '../relay/headers.ts';
import type { Slots } from '../routing/slots.ts';
import type { Ledger } from '../usage/ledger.ts';
import type { HttpReply } from './http-reply.ts';

/** Bounds of a live statistic; times in milliseconds. */
export interface StreamLimits {
  /** How often it is looked whether anything has changed. */
  readonly lookMs: number;
  /** Looks without a change until a subscriber gets a sign of life. */
  readonly silentLooks: number;
  /** Looks during which a subscriber has not read what it was sent, until it is dropped. */
  readonly slowLooks: number;
  /** How long subscribers may take to read the end when the router stops. */
  readonly endMs: number;
  readonly subscribers: number;
}

const LIMITS: StreamLimits = { lookMs: 250, silentLooks: 40, slowLooks: 40, endMs: 1_000, subscribers: 5_000 };
const HEARTBEAT = Buffer.from(': heartbeat\n\n');
const RETRY_AFTER_SECONDS = 5;

/** A live statistic: what it is now, and a number that differs whenever that may have changed. */
export interface Live {
  snapshot(): object;
  changes(): number;
}

interface Subscriber {
  readonly reply: HttpReply;
  /** What the number of changes was when it was sent all of the statistic. */
  seen: number;
  /** Looks since it was sent anything. */
  looks: number;
}

/** Requests in flight now and tokens spent, by endpoint URL and model. */
export function liveUsage(slots: Slots, ledger: Ledger): Live {
  return {
    snapshot: () => ({ usage_counts: slots.snapshot(), token_usage_counts: ledger.totals() }),
    changes: () => slots.changes + ledger.changes,
  };
}

/**
 * Sends a live statistic to any number of subscribers, as server-sent events: at once, and whenever it has changed. Every
 * event holds all of it, so that who reads slowly misses some and gets the newest; nothing waits for anybody.
 */
export class UsageStream {
  readonly #live: Live;
  readonly #limits: StreamLimits;
  readonly #subscribers = new Set<Subscriber>();
  #timer: NodeJS.Timeout | undefined;
  /** The newest event, and the number of changes by then. */
  #event: Buffer | undefined;
  #changes = 0;
  #closed = false;

  constructor(live: Live, limits: StreamLimits = LIMITS) {
    this.#live = live;
    this.#limits = limits;
  }

  get subscribers(): number {
    return this.#subscribers.size;
  }

  /** Throws `router_busy` where there are too many already, or the router stops. */
  subscribe(reply: HttpReply): void {
    if (this.#closed) throw busy('The router stops');
    if (this.#subscribers.size >= this.#limits.subscribers) throw busy('Too many subscribers');
    if (reply.gone) return;
    const subscriber = { reply, seen: 0, looks: 0 };
    this.#subscribers.add(subscriber);
    reply.onGone(() => this.#leave(subscriber));
    reply.start(200, streamHeaders(['Content-Type', 'text/event-stream']));
    this.#tellAll(subscriber, this.#newest());
    this.#timer ??= setInterval(() => this.#look(), this.#limits.lookMs).unref();
  }

  /** Ends all streams and takes no more. Who does not read the end in time is cut off. */
  close(): void {
    this.#closed = true;
    const replies = [...this.#subscribers].map(({ reply }) => reply);
    for (const subscriber of this.#subscribers) this.#leave(subscriber);
    for (const reply of replies) reply.end();
    if (replies.length > 0) setTimeout(() => cutUnread(replies), this.#limits.endMs).unref();
  }

  #leave(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber);
    if (this.#subscribers.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    const event = this.#newest();
    for (const subscriber of this.#subscribers) this.#tell(subscriber, event);
  }

  /** Who still has something to read gets none of this, and later the newest. */
  #tell(subscriber: Subscriber, event: Buffer): void {
    const { reply, seen } = subscriber;
    subscriber.looks++;
    if (reply.isFull) {
      if (subscriber.looks >= this.#limits.slowLooks) this.#drop(subscriber);
    } else if (seen !== this.#changes) this.#tellAll(subscriber, event);
    else if (subscriber.looks >= this.#limits.silentLooks) send(subscriber, HEARTBEAT);
  }

  #tellAll(subscriber: Subscriber, event: Buffer): void {
    subscriber.seen = this.#changes;
    send(subscriber, event);
  }

  #drop(subscriber: Subscriber): void {
    this.#leave(subscriber);
    subscriber.reply.cut();
  }

  #newest(): Buffer {
    const changes = this.#live.changes();
    if (this.#event === undefined || changes !== this.#changes)
      this.#event = Buffer.from(`data: ${JSON.stringify(this.#live.snapshot())}\n\n`);
    this.#changes = changes;
    return this.#event;
  }
}

function send(subscriber: Subscriber, bytes: Buffer): void {
  subscriber.looks = 0;
  subscriber.reply.write(bytes);
}

function cutUnread(replies: readonly HttpReply[]): void {
  for (const reply of replies) if (!reply.finished) reply.cut();
}

function busy(why: string): RouterError {
  const message = `server busy, please try again. ${why}`;
  return new RouterError('router_busy', message, { retryAfterSeconds: RETRY_AFTER_SECONDS });
}
