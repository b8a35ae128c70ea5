import { createLog, type Log, type LogOptions } from '../log.ts';
import { LineSink } from './line-sink.ts';

/** A log, and where its lines go: whoever ends the process calls `sink.flushSync()`. */
export interface OpenLog {
  readonly log: Log;
  readonly sink: LineSink;
}

/** A log that writes to a file descriptor, such as 2 for the standard error, and says where lines are missing. */
export function openLog(fd: number, options: Omit<LogOptions, 'write'>): OpenLog {
  const sink = new LineSink(fd, (lines) => {
    log.told(
      'warn',
      `${lines} ${lines === 1 ? 'line is' : 'lines are'} missing from this log: nobody took them in time`,
    );
  });
  const log = createLog({ ...options, write: (line) => sink.write(line) });
  return { log, sink };
}
