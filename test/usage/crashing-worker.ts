import { parentPort } from 'node:worker_threads';
import { Desk } from '../../src/usage/store/desk.ts';
import type { Question } from '../../src/usage/store/messages.ts';

/** The store's thread, but every other batch ends it: before it is written, or when it is and before anybody is told. */
const port = parentPort;
if (port !== null) {
  let writes = 0;
  let mute = false;
  const desk = new Desk((reply) => mute || port.postMessage(reply));
  port.on('message', (question: Question) => {
    const crashes = question.name === 'write' && ++writes === 2;
    mute = crashes;
    if (!crashes || Number(question.name === 'write' && question.ask.id.split(' ')[1]) % 2 === 0) desk.take(question);
    if (crashes) throw new Error('crashed');
    if (question.name === 'close') port.close();
  });
}
