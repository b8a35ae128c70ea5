"""Chats through the router with the official Python clients: talk.py URL MODEL MODEL ... Prints one JSON line each."""
import json
import sys

import ollama
import openai

url, models = sys.argv[1], sys.argv[2:]
old = ollama.Client(host=url)
new = openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)
ask = [{"role": "user", "content": "Tell me 9 tokens"}]
schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
weather = {"type": "function", "function": {"name": "weather", "description": "the weather", "parameters": schema}}

for model in models:
    whole = old.chat(model=model, messages=ask)
    parts = list(old.chat(model=model, messages=ask, stream=True))
    text = old.generate(model=model, prompt="Tell me 9 tokens")
    text_parts = list(old.generate(model=model, prompt="Tell me 9 tokens", stream=True))
    called = old.chat(model=model, messages=[{"role": "user", "content": "call weather"}], tools=[weather])
    seen = old.chat(model=model, messages=[{"role": "user", "content": "see", "images": [b"\x89PNG\r\n\x1a\n"]}])
    formed = old.chat(model=model, messages=ask, format=schema, options={"temperature": 0})
    vectors = old.embed(model=model, input=["one river", "two"])
    vector = old.embeddings(model=model, prompt="two")
    answer = new.chat.completions.create(model=model, messages=ask)
    chunks = list(new.chat.completions.create(model=model, messages=ask, stream=True))
    counted = list(new.chat.completions.create(model=model, messages=ask, stream=True, stream_options={"include_usage": True}))
    print(json.dumps({
        "model": whole.model,
        "chat": whole.message.content,
        "chatStream": "".join(part.message.content for part in parts),
        "chatDone": parts[-1].done,
        "tokens": whole.eval_count,
        "generate": text.response,
        "generateStream": "".join(part.response for part in text_parts),
        "tool": called.message.tool_calls[0].function.model_dump(),
        "seen": seen.message.content,
        "formed": json.loads(formed.message.content),
        "vectors": [len(each) for each in vectors.embeddings],
        "vector": len(vector.embedding),
        "openai": answer.choices[0].message.content,
        "openaiStream": "".join(chunk.choices[0].delta.content or "" for chunk in chunks),
        "openaiTokens": counted[-1].usage.completion_tokens,
    }))

listed = sorted(model.model for model in old.list().models)
running = all(model.expires_at is not None for model in old.ps().models)
shown = all(old.show(name).modelinfo is not None for name in listed)
try:
    old.chat(model="nobody", messages=ask)
    unknown = None
except ollama.ResponseError as error:
    unknown = [error.status_code, error.error]
try:
    new.chat.completions.create(model="nobody", messages=ask)
    missing = None
except openai.NotFoundError as error:
    missing = error.code
print(json.dumps({"listed": listed, "running": running, "shown": shown, "unknown": unknown, "missing": missing}))
