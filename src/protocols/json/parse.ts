import { asObject, type JsonObject } from '../../domain/json.ts';

/** A JSON object from its text; undefined where that is anything else. */
export function parseObject(json: string): JsonObject | undefined {
  try {
    return asObject(JSON.parse(json));
  } catch {
    return undefined;
  }
}
