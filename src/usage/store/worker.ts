import { parentPort } from 'node:worker_threads';
import { Desk } from './desk.ts';
import type { Question } from './messages.ts';

/** The thread that owns the database: nothing else waits for the disk. */
if (parentPort !== null) {
  const port = parentPort;
  const desk = new Desk((reply) => port.postMessage(reply));
  port.on('message', (question: Question) => {
    desk.take(question);
    if (question.name === 'close') port.close();
  });
}
