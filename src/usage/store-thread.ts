import { Worker } from 'node:worker_threads';
import type { Calls, Failure, Operation, Reply } from './store/messages.ts';

/** The store did not do what it was asked. */
export class StoreFailure extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

/** What a thread says unasked. */
export interface ThreadEvents {
  /** The file was corrupt, as the text says, and another takes its place as soon as it is opened. */
  readonly replaced: (text: string) => void;
  /** The thread is gone, and with it all that it was asked. */
  readonly ended: () => void;
}

interface Waiting {
  readonly answered: (answer: Calls[Operation]['answer']) => void;
  readonly failed: (failure: StoreFailure) => void;
}

const WORKER = new URL('./store/worker.ts', import.meta.url);

/** The thread that owns the database. Keeps the process alive only while something is asked of it. */
export class StoreThread {
  readonly #worker: Worker;
  readonly #events: ThreadEvents;
  readonly #waiting = new Map<number, Waiting>();
  #number = 0;
  #words = 'the thread of the statistics ended';
  #ended = false;

  /** `worker` is another thread in tests. */
  constructor(events: ThreadEvents, worker: URL = WORKER) {
    this.#events = events;
    // Flags that were meant for the program alone may be none that a thread takes.
    this.#worker = new Worker(worker, { execArgv: [] });
    this.#worker.on('message', (reply: Reply) => this.#take(reply));
    this.#worker.on('error', (error) => {
      this.#words += `: ${error instanceof Error ? error.message : String(error)}`;
    });
    this.#worker.on('exit', () => this.#end());
    // Not before: listeners keep the process alive, too.
    this.#worker.unref();
  }

  /** Rejects with `StoreFailure`, at the latest when the thread ends; how long that takes is up to the disk. */
  ask<Name extends Operation>(name: Name, ask: Calls[Name]['ask']): Promise<Calls[Name]['answer']> {
    return new Promise((resolve, reject) => {
      if (this.#ended) return reject(this.#gone());
      const number = this.#number++;
      this.#waiting.set(number, { answered: resolve as Waiting['answered'], failed: reject });
      this.#worker.ref();
      this.#worker.postMessage({ number, name, ask });
    });
  }

  /** Ends the thread where it stands. */
  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  #take(reply: Reply): void {
    if ('replaced' in reply) {
      this.#events.replaced(reply.replaced);
      return;
    }
    const waiting = this.#waiting.get(reply.number);
    this.#waiting.delete(reply.number);
    if (this.#waiting.size === 0) this.#worker.unref();
    if ('failure' in reply) waiting?.failed(new StoreFailure(reply.failure));
    else waiting?.answered(reply.answer);
  }

  #end(): void {
    this.#ended = true;
    for (const { failed } of this.#waiting.values()) failed(this.#gone());
    this.#waiting.clear();
    this.#events.ended();
  }

  #gone(): StoreFailure {
    return new StoreFailure({ kind: 'failed', message: this.#words });
  }
}
