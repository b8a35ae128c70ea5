import type { Call } from '../call.ts';
import { GenerationFailure, SilentEnd, type Usage } from '../generation.ts';
import { ApiFailure } from './failure.ts';
import { choiceFields, envelopeOf, logprobsOf, type Run, withChoices } from './run.ts';
import { totalUsage } from './usage.ts';

/** Answers with one JSON object. */
export async function whole(run: Run): Promise<void> {
  const choices = await saidChoices(run);
  // Of answers that stand apart, the first one's is told for all.
  const told = run.style.promptsApart ? choices.slice(0, 1) : choices;
  const usage = totalUsage(told.map((choice) => choice.usage));
  const reasoningTokens = choices.reduce((sum, choice) => sum + choice.reasoning.length, 0);
  const body = {
    ...withChoices(
      run,
      envelopeOf(run),
      choices.map((choice, index) => ({ index, ...shaped(run, choice) })),
    ),
    usage: run.style.usage(usage, reasoningTokens),
    ...run.style.lastFields(usage),
  };
  await run.exchange.send(200, run.style.jsonHeaders, JSON.stringify(body));
}

/** Everything one choice says. */
interface Said {
  readonly reasoning: string[];
  readonly text: string[];
  readonly calls: { readonly id: string; readonly name: string; text: string }[];
  reason: string | null;
  usage: Usage;
}

async function saidChoices(run: Run): Promise<Said[]> {
  const choices: Said[] = [];
  try {
    for (const call of run.calls) choices.push(await said(run, call));
  } catch (error) {
    if (error instanceof GenerationFailure) throw new ApiFailure(500, error.message);
    throw error;
  }
  return choices;
}

async function said(run: Run, call: Call): Promise<Said> {
  const choice: Said = { reasoning: [], text: [], calls: [], reason: null, usage: totalUsage([]) };
  try {
    for await (const event of run.host.answer(run.loaded, call, run.exchange)) {
      if (event.type === 'reasoning') choice.reasoning.push(event.text);
      else if (event.type === 'text') choice.text.push(event.text);
      else if (event.type === 'tool-call') choice.calls.push({ id: event.id, name: event.name, text: '' });
      else if (event.type === 'tool-arguments') for (const last of choice.calls.slice(-1)) last.text += event.text;
      else if (event.type === 'prompt-read' || event.type === 'finish') choice.usage = event.usage;
      if (event.type === 'finish') choice.reason = event.reason;
    }
  } catch (error) {
    if (!(error instanceof SilentEnd)) throw error;
  }
  if (choice.calls.length > 0 && choice.reason === 'stop') choice.reason = 'tool_calls';
  return choice;
}

function shaped(run: Run, choice: Said): object {
  const { style } = run;
  const logprobs = logprobsOf(run, choice.text);
  const end = { ...choiceFields(run), ...(logprobs ? { logprobs } : {}), finish_reason: choice.reason };
  const text = choice.text.join('');
  if (run.form === 'completion') return { text, ...end };
  const calls = choice.calls.map(({ id, name, text: args }) => {
    return { id: style.toolCallId(id), type: 'function', function: { name, arguments: args } };
  });
  const isReasoned = style.reasoningField !== undefined && choice.reasoning.length > 0;
  return {
    message: {
      role: 'assistant',
      ...style.messageFields,
      content: calls.length > 0 && text === '' ? null : text,
      ...(isReasoned ? { [style.reasoningField ?? '']: choice.reasoning.join('') } : {}),
      ...(calls.length > 0 ? { tool_calls: calls } : {}),
    },
    ...end,
  };
}
