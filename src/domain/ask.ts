/** JSON text, kept as it was written: number digits, key order and unknown keys survive. */
export type RawJson = string;

/** What a client asks of a model, in no protocol's words: what codecs translate from and to. */
export interface Ask {
  /** `chat` fills the model's template from messages, `completion` continues a prompt, `infill` what stands between two texts. */
  readonly kind: 'chat' | 'completion' | 'infill';
  readonly streaming: boolean;
  readonly messages: readonly Message[];
  /** For `completion` and `infill`. */
  readonly prompt: string;
  readonly suffix: string;
  /** An array of OpenAI's tool objects, which Ollama's are too. */
  readonly tools: RawJson | undefined;
  readonly format: Format | undefined;
  readonly think: Think | undefined;
  readonly sampling: Sampling;
  /** Alternatives wanted per token; undefined: no log probabilities; 0: those of the chosen tokens alone. */
  readonly topLogprobs: number | undefined;
  /** The prompt is wanted as the model would see it, and no answer. */
  readonly renderOnly?: boolean;
}

export type Think = boolean | 'low' | 'medium' | 'high' | 'max';

export type Format = { readonly kind: 'json' } | { readonly kind: 'schema'; readonly schema: RawJson };

export interface Message {
  readonly role: string;
  readonly content: string;
  readonly reasoning: string | undefined;
  /** Images, and sound where a model hears, as base64 without a `data:` prefix. */
  readonly media: readonly string[];
  readonly toolCalls: readonly ToolCall[];
  /** For role `tool`: the call that it answers, where the client says so, and the tool's name. */
  readonly toolCallId: string | undefined;
  readonly toolName: string | undefined;
}

export interface ToolCall {
  readonly id: string | undefined;
  readonly name: string;
  /** A JSON object's text. */
  readonly arguments: RawJson;
}

/** How to draw tokens; absent leaves it to the model. Numbers as the client wrote them. */
export interface Sampling {
  readonly maxTokens?: RawJson;
  readonly temperature?: RawJson;
  readonly topP?: RawJson;
  readonly topK?: RawJson;
  readonly minP?: RawJson;
  readonly typicalP?: RawJson;
  readonly seed?: RawJson;
  readonly stop?: readonly string[];
  readonly presencePenalty?: RawJson;
  readonly frequencyPenalty?: RawJson;
  readonly repeatPenalty?: RawJson;
  readonly repeatLastN?: RawJson;
  readonly keep?: RawJson;
  readonly mirostat?: RawJson;
  readonly mirostatTau?: RawJson;
  readonly mirostatEta?: RawJson;
}
