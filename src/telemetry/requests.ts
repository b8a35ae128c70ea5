import type { RequestFilter, RequestRecord } from '../domain/request-record.ts';
import { clientName } from './request-view.ts';

/** Which records are wanted. */
interface RecordFilter extends RequestFilter {
  /** Only those under way, or only those that are over. */
  readonly inFlight?: boolean | undefined;
}

/** The requests under way, and the last ones that are over: so many of them, in memory. */
export class Requests {
  readonly #live = new Set<RequestRecord>();
  readonly #over: RequestRecord[] = [];
  readonly #keep: number;
  /** Where the next record that is over goes: the oldest one's place, once all are taken. */
  #next = 0;

  /** `keep` may be 0. */
  constructor(keep: number) {
    this.#keep = keep;
  }

  get underWay(): number {
    return this.#live.size;
  }

  begun(record: RequestRecord): void {
    this.#live.add(record);
  }

  /** Gives whether it was one of those kept here. */
  over(record: RequestRecord): boolean {
    if (!this.#live.delete(record)) return false;
    if (this.#keep > 0) this.#over[this.#next] = record;
    this.#next = (this.#next + 1) % Math.max(1, this.#keep);
    return true;
  }

  /** The request of this id. Clients may have given one id to several: one under way, else the one that ended last. */
  find(id: string): RequestRecord | undefined {
    return (
      this.#newestLive().find((record) => record.id === id) ?? this.#newestOver().find((record) => record.id === id)
    );
  }

  /** The newest first, by when they were received. */
  list(filter: RecordFilter, limit: number): RequestRecord[] {
    const { inFlight } = filter;
    const live = inFlight === false ? [] : this.#newestLive();
    const over = inFlight === true ? [] : this.#newestOver();
    const found = [...live, ...over].filter((record) => matches(record, filter));
    return found.sort((a, b) => b.receivedAt - a.receivedAt).slice(0, limit);
  }

  #newestLive(): RequestRecord[] {
    return [...this.#live].reverse();
  }

  #newestOver(): RequestRecord[] {
    return [...this.#over.slice(0, this.#next).reverse(), ...this.#over.slice(this.#next).reverse()];
  }
}

function matches(record: RequestRecord, { model, endpoint, outcome, client, before }: RequestFilter): boolean {
  const { decision } = record;
  return (
    (model === undefined || record.model === model || decision?.model === model) &&
    (endpoint === undefined || decision?.endpoint.name === endpoint) &&
    (outcome === undefined || record.outcome === outcome) &&
    (client === undefined || clientName(record) === client) &&
    (before === undefined || record.receivedAt < before)
  );
}
