"""Reads streams that break off with the official Python clients: broken.py URL MODEL MODEL ...

Prints a JSON line per model: how each stream ended, as the name of what was raised, else as what came last.
"""
import json
import sys
import typing

import anthropic
import ollama
import openai

url, models = sys.argv[1], sys.argv[2:]
old = ollama.Client(host=url)
new = openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)
claude = anthropic.Anthropic(base_url=url, api_key="none", max_retries=0)
text = "Tell me 9 tokens"
ask: typing.Any = [{"role": "user", "content": text}]


def helped(model):
    with new.chat.completions.stream(model=model, messages=ask) as stream:
        yield stream.get_final_completion().choices[0].finish_reason


def helped_message(model):
    with claude.messages.stream(model=model, max_tokens=2000, messages=ask) as stream:
        yield stream.get_final_message().stop_reason


STREAMS = {
    "ollama chat": lambda model: old.chat(model, messages=ask, stream=True),
    "ollama generate": lambda model: old.generate(model, text, stream=True),
    "openai chat": lambda model: new.chat.completions.create(model=model, messages=ask, stream=True),
    "openai chat, helped": helped,
    "openai completion": lambda model: new.completions.create(model=model, prompt=text, max_tokens=30, stream=True),
    "openai response": lambda model: new.responses.create(model=model, input=text, stream=True),
    "anthropic message": lambda model: claude.messages.create(model=model, max_tokens=2000, messages=ask, stream=True),
    "anthropic message, helped": helped_message,
}


def end(read, model):
    last = "nothing"
    try:
        for part in read(model):
            last = f"normally, with {getattr(part, 'type', part)}"
    except (ollama.ResponseError, openai.APIError, anthropic.APIError) as error:
        return f"{type(error).__name__}: {error}"
    return last


for model in models:
    print(json.dumps({"model": model, "ends": {name: end(read, model) for name, read in STREAMS.items()}}))
