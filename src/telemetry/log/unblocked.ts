import { constants, fstatSync, openSync } from 'node:fs';
import { isatty } from 'node:tty';

/**
 * A descriptor of the same file that says `EAGAIN` where it can take no more now. One that waits would take the thread that
 * writes to it along, and a process cannot end while one of its threads waits for a reader that does not read.
 */
export function unblocked(fd: number): number {
  try {
    if (isatty(fd)) return reopened(fd);
    const kind = fstatSync(fd);
    if (kind.isFIFO() || kind.isSocket()) touch(fd);
  } catch {
    // Closed, or it cannot be opened once more: writing tells.
  }
  return fd;
}

/** A terminal waits while somebody has stopped it with Ctrl-S. Only Linux has this path. */
function reopened(fd: number): number {
  const { O_WRONLY, O_NOCTTY, O_NONBLOCK } = constants;
  return openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_NOCTTY | O_NONBLOCK);
}

/** Node has no `fcntl`, but makes pipes not wait as soon as it has a stream for them, and makes them as they were at the end. */
function touch(fd: number): void {
  if (fd === 1) process.stdout.writable;
  if (fd === 2) process.stderr.writable;
}
