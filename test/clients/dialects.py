"""Calls everything of OpenAI's and Anthropic's official Python clients: dialects.py URL MODEL MODEL ...

Prints a JSON line per model, in which every pair must be two equal things.
"""
import base64
import json
import sys
import typing

import anthropic
import openai

url, models = sys.argv[1], sys.argv[2:]
new = openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)
claude = anthropic.Anthropic(base_url=url, api_key="none", max_retries=0)
ask: typing.Any = [{"role": "user", "content": "Tell me 9 tokens"}]
order: typing.Any = [{"role": "user", "content": "call weather"}]
schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}
weather: typing.Any = {"type": "function", "function": {"name": "weather", "parameters": schema}}
picture = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()


def chat(model):
    whole = new.chat.completions.create(model=model, messages=ask)
    with new.chat.completions.stream(model=model, messages=ask) as stream:
        final = stream.get_final_completion()
    return [whole.choices[0].message.content, final.choices[0].message.content]


def tools(model):
    whole = new.chat.completions.create(model=model, messages=order, tools=[weather])
    with new.chat.completions.stream(model=model, messages=order, tools=[weather]) as stream:
        final = stream.get_final_completion()
    return [answer.choices[0].message.tool_calls[0].function.arguments for answer in (whole, final)]


def completion(model):
    asked = {"model": model, "prompt": "Tell me 9 tokens", "max_tokens": 30}
    pieces = new.completions.create(**asked, stream=True)
    return [new.completions.create(**asked).choices[0].text, "".join(piece.choices[0].text for piece in pieces)]


def embedding(model):
    asked = {"model": model, "input": ["one river", "two"]}
    numbers = new.embeddings.create(**asked, encoding_format="float")
    decoded = new.embeddings.create(**asked)
    return [[[round(x, 6) for x in item.embedding] for item in answer.data] for answer in (numbers, decoded)]


def response(model):
    whole = new.responses.create(model=model, input="Tell me 9 tokens")
    pieces = new.responses.create(model=model, input="Tell me 9 tokens", stream=True)
    return [whole.output_text, "".join(event.delta for event in pieces if event.type == "response.output_text.delta")]


def helped(model):
    with new.responses.stream(model=model, input="Tell me 9 tokens") as stream:
        return stream.get_final_response().output_text


def sound(model):
    return new.audio.transcriptions.create(model=model, file=("a.wav", b"RIFFsound")).text


def message(model):
    whole = claude.messages.create(model=model, max_tokens=2000, messages=ask)
    with claude.messages.stream(model=model, max_tokens=2000, messages=ask) as stream:
        final = stream.get_final_message()
    return ["".join(block.text for block in said.content if block.type == "text") for said in (whole, final)]


def message_tools(model):
    tool: typing.Any = {"name": "weather", "input_schema": schema}
    whole = claude.messages.create(model=model, max_tokens=2000, messages=order, tools=[tool])
    with claude.messages.stream(model=model, max_tokens=2000, messages=order, tools=[tool]) as stream:
        final = stream.get_final_message()
    return [next(block.input for block in said.content if block.type == "tool_use") for said in (whole, final)]


def message_picture(model):
    source: typing.Any = {"type": "base64", "media_type": "image/png", "data": picture}
    content: typing.Any = [{"type": "image", "source": source}, {"type": "text", "text": "see"}]
    said = claude.messages.create(model=model, max_tokens=2000, messages=[{"role": "user", "content": content}])
    return next(block.text for block in said.content if block.type == "text")


def retrieved(model):
    return [new.models.retrieve(model).id, claude.models.retrieve(model).id]


def attempted(call, model):
    """What a call gives, or the name of what it raises."""
    try:
        return call(model)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


CALLS = {
    call.__name__: call
    for call in (
        chat, tools, completion, embedding, response, helped, sound, message, message_tools, message_picture, retrieved
    )
}
for model in models:
    print(json.dumps({"model": model, **{name: attempted(call, model) for name, call in CALLS.items()}}))
print(json.dumps({
    "ids": sorted(model.id for model in new.models.list()),
    "claude": sorted(model.id for model in claude.models.list()),
    "unknown": attempted(response, "nobody"),
    "unknownMessage": attempted(message, "nobody"),
}))
