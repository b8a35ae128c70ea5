import { base64Vector } from '../openai/vector.ts';
import { OllamaFailure } from './failure.ts';
import type { Conversion, NativeAnswer } from './v1-sink.ts';

/** Refuses what Ollama's middleware refuses, with its texts. */
export function checkEmbedding(input: unknown, format: string | undefined): void {
  if (format !== undefined && format !== '' && !['float', 'base64'].includes(format.toLowerCase())) {
    const text = `Invalid value for 'encoding_format' = ${format}. Supported values: ['float', 'base64'].`;
    throw new OllamaFailure(400, text);
  }
  if (input === undefined || (Array.isArray(input) && input.length === 0))
    throw new OllamaFailure(400, 'invalid input');
}

/** How an embed answer looks under `/v1/embeddings`. */
export class EmbeddingConversion implements Conversion {
  readonly #asBase64: boolean;

  constructor(format: string | undefined) {
    this.#asBase64 = format?.toLowerCase() === 'base64';
  }

  whole(answer: NativeAnswer): object {
    const vectors: unknown = answer['embeddings'];
    const tokens = Number(answer['prompt_eval_count'] ?? 0);
    const data = (Array.isArray(vectors) ? vectors : []).map((vector: number[], index) => ({
      object: 'embedding',
      embedding: this.#asBase64 ? base64Vector(vector) : vector,
      index,
    }));
    return { object: 'list', data, model: answer['model'], usage: { prompt_tokens: tokens, total_tokens: tokens } };
  }

  records(): readonly object[] {
    return [];
  }

  usageRecord(): undefined {
    return undefined;
  }
}
