import { BroadcastChannel, parentPort } from 'node:worker_threads';
import { Desk } from '../../src/usage/store/desk.ts';
import type { Question } from '../../src/usage/store/messages.ts';

/** The store's thread, which says when it has all its files, and then waits to be told to begin. */
const port = parentPort;
if (port !== null) {
  const desk = new Desk((reply) => port.postMessage(reply));
  const channel = new BroadcastChannel('waiting-worker');
  channel.onmessage = () => {
    port.on('message', (question: Question) => desk.take(question));
    channel.close();
  };
  channel.postMessage('loaded');
}
