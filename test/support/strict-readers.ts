import assert from 'node:assert/strict';

/**
 * Readers of Ollama's answers as demanding as the strictest clients together: the `ollama` command's Go structs and the
 * slices it takes without looking, ollama-python's pydantic models, Zed's Rust structs, and Open WebUI, which takes
 * times and versions apart. What they tolerate, unknown fields, is tolerated.
 */
type Reader = (value: unknown, at: string) => void;

function fail(at: string, wanted: string, value: unknown): never {
  assert.fail(`${at}: wanted ${wanted}, got ${JSON.stringify(value)}`);
}

const text: Reader = (value, at) => void (typeof value === 'string' || fail(at, 'a string', value));
const int64: Reader = (value, at) =>
  void ((Number.isSafeInteger(value) && Number(value) >= 0) || fail(at, 'an integer from 0 on', value));

function matching(pattern: RegExp): Reader {
  return (value, at) => void ((typeof value === 'string' && pattern.test(value)) || fail(at, String(pattern), value));
}

/** Go's `time.Time` and Python's `datetime` both want the zone. */
const rfc3339: Reader = (value, at) => {
  matching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/)(value, at);
  if (Number.isNaN(Date.parse(String(value)))) fail(at, 'a time', value);
};

function listOf(element: Reader): Reader {
  return (value, at) => {
    if (!Array.isArray(value)) return fail(at, 'an array', value);
    for (const [index, item] of value.entries()) element(item, `${at}[${index}]`);
  };
}

/** An object with these fields, those with `?` at the end where they are there at all; never with an `error`. */
function struct(fields: Readonly<Record<string, Reader>>): Reader {
  return (value, at) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return fail(at, 'an object', value);
    const given = new Map<string, unknown>(Object.entries(value));
    if (given.has('error')) fail(at, 'no error key', value);
    for (const [field, read] of Object.entries(fields)) {
      const name = field.replace('?', '');
      if (given.has(name) || name === field) read(given.get(name), `${at}.${name}`);
    }
  };
}

const details = struct({
  parent_model: text,
  format: text,
  family: text,
  families: listOf(text),
  parameter_size: text,
  quantization_level: text,
  'context_length?': int64,
  'embedding_length?': int64,
});
const capabilities = listOf(matching(/^(completion|tools|insert|vision|embedding|thinking|image|audio)$/));
/** `ollama list` prints `digest[:12]` unchecked. */
const digest = matching(/^[0-9a-f]{64}$/);
const model = { name: matching(/./), model: matching(/./), size: int64, digest, details };

const modelInfo: Reader = (value, at) => {
  struct({ 'general.architecture': matching(/./), 'general.parameter_count?': int64 })(value, at);
  for (const [key, item] of Object.entries(Object(value)))
    if (/\.(context|embedding)_length$/.test(key)) int64(item, `${at}.${key}`);
};

/** `GET /api/tags`. */
export const readTags = struct({
  models: listOf(struct({ ...model, modified_at: rfc3339, 'capabilities?': capabilities })),
});

const running = { ...model, expires_at: rfc3339, size_vram: int64, context_length: int64 };

/** `GET /api/ps`. */
export const readPs = struct({ models: listOf(struct(running)) });

/** `GET /api/ps_details`. */
export const readPsDetails = struct({
  models: listOf(struct({ ...running, endpoint: matching(/^https?:\/\//) })),
});

/** `POST /api/show`. */
export const readShow = struct({
  details,
  model_info: modelInfo,
  capabilities,
  modified_at: rfc3339,
  'license?': text,
  'modelfile?': text,
  'parameters?': text,
  'template?': text,
  'tensors?': listOf(struct({ name: text, type: text, shape: listOf(int64) })),
});

/** `GET /api/version`: three numbers. */
export const readVersion = struct({ version: matching(/^\d+\.\d+\.\d+$/) });
