/** Thrown inside a simulated server when the client, or the server itself, closed the connection. */
export class Gone extends Error {}

/** One turn of the event loop, so that sockets are served in between. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** So many turns that whatever has arrived was read, by whichever phase of a turn reads it. */
export async function wholeTurn(): Promise<void> {
  await turn();
  await turn();
}

/** Waits; throws {@link Gone} as soon as the signal fires. Longer than 0, its timer keeps the process alive. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) throw new Gone();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const leave = () => reject(new Gone());
  const timer = Number.isFinite(ms) ? setTimeout(resolve, ms) : undefined;
  signal.addEventListener('abort', leave, { once: true });
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', leave);
  }
}

/** Never resolves; throws {@link Gone} when the signal fires. */
export function forever(signal: AbortSignal): Promise<void> {
  return pause(Number.POSITIVE_INFINITY, signal);
}
