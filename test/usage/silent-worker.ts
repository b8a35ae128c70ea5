import { parentPort } from 'node:worker_threads';

/** A thread that hears everything and answers nothing, as if its disk was gone. */
parentPort?.on('message', () => {});
