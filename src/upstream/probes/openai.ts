import { asArray, asNumber, asObject, asString, type JsonObject } from '../../domain/json.ts';
import type { ListedModel } from '../../domain/model.ts';
import { EndpointFailure } from '../../errors.ts';
import { OddStatus, type Probe } from './probe.ts';

/** Of an OpenAI-compatible server only the list of models is known; it answers none before they can be used. */
export const probeOpenai: Probe = async (endpoint, get) => {
  const found = await get('/v1/models').catch((error: unknown) => {
    if (endpoint.models === undefined || !isUnknownRoute(error)) throw error;
    // Some servers list nothing: there the operator's allow-list says what they have.
    return { data: endpoint.models.map((id) => ({ id, object: 'model' })) };
  });
  return { version: 'latest', models: items(found).map(listed) };
};

function isUnknownRoute(error: unknown): boolean {
  return error instanceof OddStatus && (error.status === 404 || error.status === 405);
}

/**
 * The entries of a list of models that have an id. Throws `EndpointFailure` where there is no list: a web page with
 * status 200, say, of something else that listens there.
 */
export function items(list: JsonObject): (JsonObject & { id: string })[] {
  // Old Ollama servers without models write null.
  if (!Array.isArray(list['data']) && list['data'] !== null)
    throw new EndpointFailure('invalid', 'does not answer with a list of models');
  return asArray(list['data']).flatMap((value) => {
    const item = asObject(value);
    const id = asString(item?.['id']);
    return item === undefined || id === undefined || id === '' ? [] : [{ ...item, id }];
  });
}

function listed(item: JsonObject & { id: string }): ListedModel {
  const contextLength = asNumber(item['max_model_len']) ?? asNumber(item['context_length']);
  return { id: item.id, aliases: [], loaded: true, item, ...(contextLength !== undefined && { contextLength }) };
}
