import { asArray, asNumber, asObject, asString, type JsonObject } from '../../domain/json.ts';
import type { ListedModel } from '../../domain/model.ts';
import { EndpointFailure } from '../../errors.ts';
import type { Probe } from './probe.ts';

export const probeOllama: Probe = async (_endpoint, get) => {
  const [version, tags, ps] = await Promise.all([get('/api/version'), get('/api/tags'), get('/api/ps')]);
  // llama-server, too, answers /api/tags in some builds; only Ollama's list of running models has this form.
  const found = asString(version['version']);
  if (found === undefined) throw new EndpointFailure('invalid', 'does not answer as an Ollama server');
  const running = new Map(objects(ps['models']).map((entry) => [nameOf(entry), entry]));
  const models = objects(tags['models']).map((entry) => listed(entry, running.get(nameOf(entry))));
  return { version: found, models };
};

function listed(tags: JsonObject, ps: JsonObject | undefined): ListedModel {
  const contextLength = asNumber(ps?.['context_length']) ?? asNumber(asObject(tags['details'])?.['context_length']);
  return {
    id: nameOf(tags),
    aliases: [],
    loaded: ps !== undefined,
    tags,
    ...(ps !== undefined && { ps }),
    ...(contextLength !== undefined && { contextLength }),
  };
}

function objects(value: unknown): JsonObject[] {
  return asArray(value)
    .map(asObject)
    .filter((entry) => entry !== undefined && nameOf(entry) !== '') as JsonObject[];
}

function nameOf(entry: JsonObject): string {
  return asString(entry['name']) ?? asString(entry['model']) ?? '';
}
