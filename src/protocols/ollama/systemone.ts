import { asNumber, asObject } from '../../domain/json.ts';
import { readFields } from '../body.ts';
import type { Operation } from '../call.ts';
import { renaming } from '../rename.ts';
import { WholePipe } from '../whole-pipe.ts';
import { cutOwn, modelRequired, unknownModel } from './operation.ts';

/**
 * `/v1/systemone` of Ollama's own clients: scores questions. It stands under `/v1` and has one form, so any endpoint
 * that has the model may be asked, and the one that knows no such route says so.
 */
export const systemOne: Operation = {
  protocol: 'openai',
  path: '/v1/systemone',
  native: ['ollama', 'llama-server', 'vllm', 'openai'],
  decode(body) {
    const fields = readFields(body, { struct: 'SystemOneRequest', foldCase: true });
    const model = fields.string('model') ?? '';
    if (model === '') throw modelRequired();
    return { operation: systemOne, body, fields, model, modelField: 'model', streaming: false, intent: 'answer' };
  },
  edits: cutOwn,
  verbatim: (_call, _endpoint, _type, names) => new WholePipe(readUsage, renaming(names) ?? ((answer) => answer)),
  unknownModel: (model) => unknownModel(model, `model '${model}' not found`),
};

const readUsage: ConstructorParameters<typeof WholePipe>[0] = (answer) => {
  const usage = asObject(answer['usage']);
  const promptTokens = asNumber(usage?.['input_tokens']);
  return promptTokens === undefined
    ? undefined
    : { promptTokens, completionTokens: asNumber(usage?.['output_tokens']) ?? 0 };
};
