import type { Call } from '../call.ts';
import { GenerationFailure, SilentEnd } from '../generation.ts';
import { RecordWriter } from './record-writer.ts';
import type { Run } from './run.ts';

/** Answers with a stream of records. */
export async function stream(run: Run): Promise<void> {
  const writer = new RecordWriter(run);
  try {
    for (const [index, call] of run.calls.entries()) await streamChoice(run, call, index, writer);
    await writer.end();
  } catch (error) {
    if (error instanceof GenerationFailure) await writer.broken(error.message);
    else if (error instanceof SilentEnd) await writer.close();
    else throw error;
  }
}

async function streamChoice(run: Run, call: Call, index: number, writer: RecordWriter): Promise<void> {
  let calledTool = false;
  for await (const event of run.host.answer(run.loaded, call, run.exchange)) {
    if (event.type === 'prompt-read') await writer.promptRead(index, event.usage);
    else if (event.type === 'finish') {
      const reason = calledTool && event.reason === 'stop' ? 'tool_calls' : event.reason;
      await writer.finish(index, reason, event.usage);
    } else {
      calledTool ||= event.type === 'tool-call';
      await writer.piece(index, event);
    }
  }
}
