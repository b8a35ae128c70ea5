"""Calls every method of ollama-python for one model, directly and through the router: methods.py DIRECT ROUTER MODEL.

Prints a JSON line per method: its name, and both answers as the client's own types write them, without times.
"""
import asyncio
import inspect
import json
import sys

import ollama

direct, router, model = sys.argv[1:4]
ask = [{"role": "user", "content": "Tell me 4 tokens"}]
schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
questions = {
    "sure": {"type": "noul", "instructions": "x"},
    "which": {"type": "choice", "instructions": "x", "criteria": {"a": None, "b": "second"}},
    "much": {"type": "score", "instructions": ["x"], "criteria": ["low", "high"]},
}


def weather(city: str) -> str:
    """Says how the weather is.

    Args:
      city: where
    """
    return city


CALLS = {
    "chat": lambda c: c.chat(model, messages=ask),
    "chat in pieces": lambda c: c.chat(model, messages=ask, stream=True),
    "chat with think": lambda c: c.chat(model, messages=ask, think=False),
    "chat with format": lambda c: c.chat(model, messages=ask, format=schema, options={"temperature": 0}),
    "chat with logprobs": lambda c: c.chat(model, messages=ask, logprobs=True, top_logprobs=1),
    "chat with a tool": lambda c: c.chat(model, messages=[{"role": "user", "content": "call weather"}], tools=[weather]),
    "chat with an image": lambda c: c.chat(model, messages=[{"role": "user", "content": "see", "images": [b"hello"]}]),
    "chat, loading": lambda c: c.chat(model),
    "generate": lambda c: c.generate(model, "Tell me 4 tokens"),
    "generate in pieces": lambda c: c.generate(model, "Tell me 4 tokens", stream=True),
    "generate, raw": lambda c: c.generate(model, "Tell me 4 tokens", raw=True),
    "generate with suffix": lambda c: c.generate(model, "f(", suffix=")"),
    "generate with images": lambda c: c.generate(model, "see", images=[b"hello"]),
    "generate, loading": lambda c: c.generate(model, keep_alive=300.0),
    "embed": lambda c: c.embed(model, ["one", "two"], truncate=True, dimensions=4),
    "embed nothing": lambda c: c.embed(model),
    "embeddings": lambda c: c.embeddings(model, "one"),
    "systemone": lambda c: c.systemone(model, {"n": 1}, questions),
    "show": lambda c: c.show(model),
    "unknown, show": lambda c: c.show("nobody"),
    "unknown, embed": lambda c: c.embed("nobody", "x"),
    "unknown, systemone": lambda c: c.systemone("nobody", "x", {}),
    "invalid, chat": lambda c: c.chat("a b", messages=ask),
    "list": lambda c: c.list(),
    "ps": lambda c: c.ps(),
    "generate, unloading": lambda c: c.generate(model, keep_alive=0),
}


def plain(value):
    if isinstance(value, ollama.ResponseError):
        # Newer servers show the display form in this one text, older ones and the router the client's spelling.
        return [value.status_code, value.error.replace("'nobody:latest'", "'nobody'")]
    if isinstance(value, list):
        return [plain(item) for item in value]
    kept = json.loads(value.model_dump_json())
    for name in ("created_at", "total_duration", "load_duration", "prompt_eval_duration", "eval_duration"):
        kept.pop(name, None)
    for entry in kept.get("models", []):
        entry.pop("expires_at", None)
    return kept


def said(client, call):
    try:
        answer = call(client)
        return plain(list(answer) if inspect.isgenerator(answer) else answer)
    except ollama.ResponseError as error:
        return plain(error)


async def said_later(client, call):
    try:
        answer = await call(client)
        return plain([part async for part in answer] if inspect.isasyncgen(answer) else answer)
    except ollama.ResponseError as error:
        return plain(error)


for name, call in CALLS.items():
    answers = [said(ollama.Client(host=url), call) for url in (direct, router)]
    print(json.dumps({"method": name, "direct": answers[0], "router": answers[1]}))
for name, call in CALLS.items():
    answer = asyncio.run(said_later(ollama.AsyncClient(host=router), call))
    print(json.dumps({"method": f"{name}, async", "router": answer, "direct": said(ollama.Client(host=direct), call)}))
