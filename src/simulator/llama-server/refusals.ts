import { ApiFailure } from '../openai/failure.ts';
import type { SimulatedModel } from '../simulation.ts';

/** What does not fit a slot; of texts to embed the server speaks otherwise. */
export function contextOverflow(tokens: number, context: number, text = requestOverflow(tokens, context)): ApiFailure {
  return new ApiFailure(400, text, {
    type: 'exceed_context_size_error',
    more: { n_prompt_tokens: tokens, n_ctx: context },
  });
}

function requestOverflow(tokens: number, context: number): string {
  return `request (${tokens} tokens) exceeds the available context size (${context} tokens), try increasing it`;
}

/** Pictures, sound or films for a model that has no projector for them; what can be shown pictures can be shown films. */
export function refuseMedia(model: SimulatedModel, media: 'image' | 'audio' | 'video'): void {
  if (model.capabilities.includes(media === 'audio' ? 'audio' : 'vision')) return;
  const hint = 'hint: if this is unexpected, you may need to provide the mmproj';
  throw new ApiFailure(500, `${media} input is not supported - ${hint}`);
}
