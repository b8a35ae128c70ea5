import { readdirSync, readFileSync } from 'node:fs';
import { type EventLoopLag, watchEventLoop } from './event-loop.ts';
import type { Registry } from './registry.ts';

const QUANTILES = [0.5, 0.99, 0.999];

/** There is one event loop, so one watch is kept, whoever asks for it. */
let eventLoop: EventLoopLag | undefined;

/** Registers what is known of this process, under the names that all programs give it. */
export function processMetrics(registry: Registry): void {
  eventLoop ??= watchEventLoop();
  const lag = eventLoop;
  const startedAt = Math.round(Date.now() / 1000 - process.uptime());
  registry.quantiles('nomyo_router_event_loop_lag_seconds', 'How late the event loop is, since the last reading.', () =>
    lag.read(QUANTILES).map((seconds, i) => [[String(QUANTILES[i])], seconds]),
  );
  registry.total('process_cpu_seconds_total', 'Processor time spent, user and system.', cpuSeconds);
  registry.value('process_resident_memory_bytes', 'Memory in use.', () => process.memoryUsage.rss());
  registry.value('process_start_time_seconds', 'When the process started.', () => startedAt);
  registry.value('process_open_fds', 'Open file descriptors.', openDescriptors);
  registry.value('process_max_fds', 'Open file descriptors allowed.', onceRead(maxDescriptors));
  registry.gauge('nodejs_version_info', 'Version of Node.', ['version'], () => [[[process.version], 1]]);
  registry.value('nodejs_heap_size_used_bytes', 'Heap in use.', () => process.memoryUsage().heapUsed);
  registry.value('nodejs_heap_size_total_bytes', 'Heap reserved.', () => process.memoryUsage().heapTotal);
  registry.value(
    'nodejs_external_memory_bytes',
    'Memory of objects outside the heap.',
    () => process.memoryUsage().external,
  );
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Only Linux tells; a process without a free descriptor cannot ask. */
function openDescriptors(): number | undefined {
  try {
    return readdirSync('/proc/self/fd').length - 1;
  } catch {
    return undefined;
  }
}

function maxDescriptors(): number | undefined {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}

function onceRead<T>(read: () => T): () => T {
  const value = read();
  return () => value;
}
