import { asArray, asNumber, asObject, asString, type JsonObject } from '../../domain/json.ts';
import type { ListedModel } from '../../domain/model.ts';
import { EndpointFailure } from '../../errors.ts';
import type { Probe } from './probe.ts';

/** Of an OpenAI-compatible server only the list of models is known; it answers none before they can be used. */
export const probeOpenai: Probe = async (endpoint, get) => {
  const found = await get('/v1/models').catch((error: unknown) => {
    if (endpoint.models === undefined || !(error instanceof EndpointFailure) || !/ 40[45] /.test(error.message))
      throw error;
    // Some servers list nothing: there the operator's allow-list says what they have.
    return { data: endpoint.models.map((id) => ({ id, object: 'model' })) };
  });
  return { version: 'latest', models: items(found).map(listed) };
};

/** The entries of a list of models that have an id. */
export function items(list: JsonObject): (JsonObject & { id: string })[] {
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
