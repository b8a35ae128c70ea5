import { type ELDHistogram, monitorEventLoopDelay } from 'node:perf_hooks';

/** Milliseconds between two looks at the event loop. */
const INTERVAL_MS = 20;
/** Several may ask for the metrics: none of them gets less than this long to see. */
const SHORTEST_SPAN_MS = 5_000;

/** How late the event loop came to what was due. */
export interface EventLoopLag {
  /** Seconds, by quantiles, since it was last read; of the last five seconds at least, once it has run that long. */
  read(quantiles: readonly number[]): number[];
}

/** Watches the event loop from now on; the process may end meanwhile. */
export function watchEventLoop(): EventLoopLag {
  const intervals = monitorEventLoopDelay({ resolution: INTERVAL_MS });
  intervals.enable();
  let since = performance.now();
  return {
    read(quantiles) {
      const found = quantiles.map((quantile) => lagSeconds(intervals, quantile));
      if (performance.now() - since > SHORTEST_SPAN_MS) {
        intervals.reset();
        since = performance.now();
      }
      return found;
    },
  };
}

/** What is measured is the whole interval between two looks. */
function lagSeconds(intervals: ELDHistogram, quantile: number): number {
  if (intervals.count === 0) return 0;
  return Math.max(0, intervals.percentile(quantile * 100) / 1e9 - INTERVAL_MS / 1000);
}
