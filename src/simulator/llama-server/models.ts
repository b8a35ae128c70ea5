import type { Host } from '../host.ts';
import type { LoadedModel } from '../loaded-model.ts';
import type { SimulatedModel } from '../simulation.ts';

/** GET /v1/models of a server with one model. Sizes and digests in `models` are empty texts, as the real ones. */
export function singleList(loaded: LoadedModel): object {
  const { model } = loaded;
  const details = {
    parent_model: '',
    format: 'gguf',
    family: '',
    families: [''],
    parameter_size: '',
    quantization_level: '',
  };
  const item = {
    name: model.name,
    model: model.name,
    modified_at: '',
    size: '',
    digest: '',
    type: 'model',
    description: '',
    tags: [''],
    capabilities: model.capabilities.includes('vision') ? ['completion', 'multimodal'] : ['completion'],
    parameters: '',
    details,
  };
  const data = {
    id: model.name,
    aliases: [model.name, ...model.aliases],
    tags: [],
    object: 'model',
    // Not when the model was made: when the request came.
    created: now(),
    owned_by: 'llamacpp',
    meta: meta(loaded),
  };
  return { models: [item], object: 'list', data: [data] };
}

/** GET /models of a router. */
export function routerList(host: Host): object {
  const data = host.machine.models.map((model) => {
    const loaded = host.machine.findLoaded(model);
    const isFailed = loaded === undefined && host.failed.has(model.name);
    return { ...routerItem(model, loaded, isFailed), ...(loaded?.state === 'ready' ? { meta: meta(loaded) } : {}) };
  });
  return { data, object: 'list' };
}

function routerItem(model: SimulatedModel, loaded: LoadedModel | undefined, isFailed: boolean): object {
  const inputs = model.capabilities.includes('vision') ? ['text', 'image'] : ['text'];
  return {
    id: model.name,
    aliases: model.aliases,
    tags: [],
    object: 'model',
    owned_by: 'llamacpp',
    created: now(),
    status: {
      value: statusOf(loaded),
      ...(isFailed ? { failed: true, exit_code: 1 } : {}),
      args: ['llama-server', '--alias', model.name, '--model', `models/${model.name}.gguf`],
      preset: `[${model.name}]\nmodel = models/${model.name}.gguf\n\n`,
    },
    architecture: { input_modalities: inputs, output_modalities: ['text'] },
    source: 'models_dir',
    can_remove: false,
  };
}

function statusOf(loaded: LoadedModel | undefined): string {
  if (loaded === undefined) return 'unloaded';
  if (loaded.state !== 'ready') return 'loading';
  return loaded.isAsleep ? 'sleeping' : 'loaded';
}

function meta({ model, contextLength }: LoadedModel): object {
  return {
    vocab_type: 1,
    n_vocab: 32_000,
    n_ctx: contextLength,
    n_ctx_train: model.contextLength,
    n_embd: model.embeddingLength,
    n_params: model.parameterCount,
    size: model.size,
    ftype: model.quantization,
  };
}

function now(): number {
  return Math.floor(Date.now() / 1000);
}

/** GET /props of a model; `n_ctx` is per slot. */
export function props(loaded: LoadedModel, build: string): object {
  const { model } = loaded;
  const params = {
    seed: 4294967295,
    temperature: 0.8,
    top_k: 40,
    top_p: 0.95,
    min_p: 0.05,
    repeat_penalty: 1,
    n_predict: -1,
  };
  return {
    default_generation_settings: { params, n_ctx: loaded.contextLength },
    total_slots: loaded.pool.slots.length,
    model_alias: model.name,
    model_path: `models/${model.name}.gguf`,
    model_ftype: model.quantization,
    modalities: {
      vision: model.capabilities.includes('vision'),
      audio: model.capabilities.includes('audio'),
      video: false,
    },
    endpoint_slots: true,
    endpoint_props: false,
    endpoint_metrics: false,
    chat_template: model.capabilities.includes('thinking')
      ? '{{ messages }}{% if enable_thinking %}<think>'
      : '{{ messages }}',
    chat_template_caps: {
      supports_system_role: true,
      supports_tools: model.capabilities.includes('tools'),
      supports_tool_calls: model.capabilities.includes('tools'),
    },
    bos_token: '<s>',
    eos_token: '</s>',
    build_info: build,
    is_sleeping: loaded.isAsleep,
  };
}

/** GET /props of a router. */
export function routerProps(maxLoaded: number, build: string): object {
  return {
    role: 'router',
    max_instances: maxLoaded,
    models_autoload: true,
    model_alias: 'llama-server',
    model_path: 'none',
    default_generation_settings: { params: null, n_ctx: 0 },
    ui_settings: {},
    build_info: build,
    cors_proxy_enabled: false,
  };
}

/** GET /slots. */
export function slots(loaded: LoadedModel): object[] {
  return loaded.pool.slots.map(({ id, busy }) => {
    return { id, n_ctx: loaded.contextLength, speculative: false, is_processing: busy };
  });
}
