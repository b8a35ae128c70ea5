import { bucketStart } from './buckets.ts';
import type { Point } from './messages.ts';

type Sum = { -readonly [Key in keyof Point]: Point[Key] };

/** Sums of tokens by endpoint and bucket of time. */
export class Points {
  readonly #bucket: number;
  readonly #endpoints = new Map<string, Map<number, Sum>>();

  /** Buckets of so many seconds, counted from the epoch. */
  constructor(bucket: number) {
    this.#bucket = bucket;
  }

  /** Adds tokens to the bucket of their time. */
  add({ endpoint, timestamp, inputTokens, outputTokens }: Point): void {
    const sum = this.#sumOf(endpoint, bucketStart(timestamp, this.#bucket));
    sum.inputTokens += inputTokens;
    sum.outputTokens += outputTokens;
  }

  addAll(points: Iterable<Point>): void {
    for (const point of points) this.add(point);
  }

  /** What is in one bucket; undefined where that is nothing. */
  at(endpoint: string, timestamp: number): Point | undefined {
    return this.#endpoints.get(endpoint)?.get(bucketStart(timestamp, this.#bucket));
  }

  /** By time, then endpoint. */
  sorted(): Point[] {
    const points = [...this.#endpoints.values()].flatMap((sums) => [...sums.values()]);
    return points.sort((a, b) => a.timestamp - b.timestamp || (a.endpoint < b.endpoint ? -1 : 1));
  }

  #sumOf(endpoint: string, timestamp: number): Sum {
    const sums = this.#endpoints.get(endpoint) ?? new Map<number, Sum>();
    this.#endpoints.set(endpoint, sums);
    const sum = sums.get(timestamp) ?? { endpoint, timestamp, inputTokens: 0, outputTokens: 0 };
    sums.set(timestamp, sum);
    return sum;
  }
}
