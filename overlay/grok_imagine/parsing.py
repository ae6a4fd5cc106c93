"""Parsing of untrusted bytes into bounded plain values and harmless strings.

Data beyond a bound is dropped or cut, and the rest can still be read: garbage in an answer does not lose the job's id.
"""

from __future__ import annotations

import json
import math
import re
import zlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from json.decoder import scanstring  # type: ignore[attr-defined]  # typeshed leaves it out
from typing import Any

from grok_imagine_api import contract

MOST_ANSWER = 8 << 20
"""Maximum bytes of an answer; the longest real one, a list of models, has a few thousand."""

BLOCK = 1 << 20
"""Bytes that are decompressed at once."""

MOST_JSON = 4 << 20
"""Maximum bytes of JSON. As a string they may take four times the memory, twice."""

MOST_VALUES = 50_000
"""Maximum values in an answer; each takes up to 300 bytes of memory."""

DEEPEST = 64
"""Maximum nesting of lists and objects; deeper values become null."""

LONGEST_NUMBER = 400
"""Maximum digits; no 64-bit number needs more."""

YEAR = 366 * 86400.0
"""Maximum seconds of a Retry-After."""

EXCERPT = 500
"""Maximum characters of the service's text in one message."""

COST = "usage.cost_in_usd_ticks"
"""Where an answer has its cost."""

SHORTEST_SECRET = 8
"""Minimum characters of a key to redact: a shorter one is not the service's, and redacting it would damage other text."""

HALF = re.compile("[\ud800-\udfff]")
ESCAPED_HALF = re.compile(r"\\u[dD][89a-fA-F]")
TOKENS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{},]', re.DOTALL)


def shown(text: object, most: int = EXCERPT) -> str:
    """A string for messages, logs and terminals: short, on one line, without control or text-direction characters."""
    text = text if isinstance(text, str) else str(text)
    excerpt = text[: most + 1]
    if not excerpt.isprintable():
        excerpt = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in excerpt)
    return excerpt if len(excerpt) <= most else excerpt[: most - 1] + "…"


def is_plain_id(value: str) -> bool:
    """Whether an id has the form of the service's known ids, so that it can be shown and typed unchanged."""
    return re.fullmatch(r"\w[\w.:-]{0,199}", value, re.ASCII) is not None


def redact(error: BaseException, secret: str) -> None:
    """Removes a secret from an exception and its causes: a broken proxy may echo the key in an answer."""
    cause: BaseException | None = error
    for _ in range(20):
        if cause is None or len(secret) < SHORTEST_SECRET:
            return
        for name, value in cause.__dict__.items():
            cause.__dict__[name] = without(value, secret)
        cause.args = tuple(without(arg, secret) for arg in cause.args)
        cause = cause.__cause__ or cause.__context__


def without(value: Any, secret: str) -> Any:
    """A plain value with the secret removed from every string."""
    if isinstance(value, str):
        return value.replace(secret, "***")
    if isinstance(value, dict):
        return {without(key, secret): without(item, secret) for key, item in value.items()}
    return [without(item, secret) for item in value] if isinstance(value, list) else value


def read_json(body: bytes, secret: str = "") -> Any:
    """The value of a JSON text, restricted to values that JSON, UTF-8 and 64 bits can represent.

    The text is decoded as UTF-8, regardless of headers. Invalid UTF-8 and half a surrogate pair become U+FFFD. A number that
    exceeds 64 bits stays a string, as do NaN and the infinities. The last of equal names wins.

    Raises:
        ValueError: The text is not JSON, or too large.
    """
    if len(body) > MOST_JSON:
        raise ValueError(f"more than {MOST_JSON >> 20} MiB")
    text = body.decode("utf-8", "replace").removeprefix("\ufeff")
    if len(text) > 1 << 16 or text.count("[") + text.count("{") > DEEPEST:
        text = _trimmed(text)
    value = _DECODER.decode(text)
    if "\\" in text:
        value = _whole(value) if ESCAPED_HALF.search(text) else value
        value = without(value, secret) if secret else value
    return value


def find_text(body: bytes, name: str) -> str | None:
    """The first string with this name, and with a character, in JSON that may be incomplete, or that `read_json` refuses."""
    found = re.search(rb'"%s"\s*:\s*"(?!")' % re.escape(name.encode()), body)
    if found is None:
        return None
    rest = body[found.end() : found.end() + MOST_JSON].decode("utf-8", "replace")
    try:
        text: str = scanstring(rest, 0, False)[0]
    except ValueError:  # the body ends within the string
        return None
    return HALF.sub("\ufffd", text)


def unpack(body: bytes, encodings: Iterable[str]) -> tuple[bytes, str]:
    """Decompresses a body as far as possible; returns it and a description of what is wrong, if anything."""
    names = [
        name for each in encodings for part in each.split(",") if (name := part.strip().lower()) not in ("", "identity")
    ]
    too_long = f"is longer than {MOST_ANSWER >> 20} MiB"
    if not names or not body:
        return body[:MOST_ANSWER], too_long if len(body) > MOST_ANSWER else ""
    if len(names) > 1 or names[0] not in ("gzip", "x-gzip", "deflate"):
        return b"", f"is in an encoding that was not requested: {shown(', '.join(names), 60)}"
    for bits in (15, -15) if names[0] == "deflate" else (31,):  # some servers send deflate without the zlib header
        reader, blocks, packed = zlib.decompressobj(bits), list[bytes](), body
        try:
            while block := reader.decompress(packed, BLOCK):
                blocks.append(block)
                packed = reader.unconsumed_tail
                if len(blocks) * BLOCK > MOST_ANSWER:
                    return blocks[0], too_long
        except zlib.error:
            if not blocks:
                continue
        return b"".join(blocks), "" if reader.eof else f"breaks off within its {names[0]}"
    return b"", f"is not {names[0]}"


def code_and_message(data: object) -> tuple[str | None, str | None]:
    """Code and message of an error's body, from the first path of x-errors that has one; None if there is none."""
    codes, texts = ([value_at(data, path) for path in paths] for paths in (contract.BODIES.code, contract.BODIES.text))
    code = next(
        (code for code in codes if code != "" and isinstance(code, str | int) and not isinstance(code, bool)), None
    )
    message = next((text for text in texts if isinstance(text, str) and text), None)
    return None if code is None else shown(code, 100), message


def value_at(body: object, path: str) -> Any:
    """The value at a path such as `video.url`; None if there is none."""
    for name in path.split("."):
        body = body.get(name) if isinstance(body, Mapping) else None
    return body


def text_at(body: object, path: str) -> str | None:
    """The text at a path; None if there is none, or an empty one."""
    value = value_at(body, path)
    return value if isinstance(value, str) and value else None


def whole_at(body: object, path: str) -> int | None:
    """The whole number at a path, from 0 and of 63 bits; None for anything else."""
    value = value_at(body, path)
    value = int(value) if isinstance(value, float) and value.is_integer() else value
    return value if type(value) is int and 0 <= value < 2**63 else None


def is_billed(data: object) -> bool:
    """Whether an answer has a cost of any form. Zero, null and false are none."""
    return value_at(data, COST) not in (None, 0)


def cost_ticks(data: object) -> int | None:
    """The cost in an answer, in ticks of 1/10,000,000,000 USD; None if it has none, or an invalid one."""
    return whole_at(data, COST)


def cost_usd(payload: Mapping[str, Any] | None) -> float | None:
    """The cost in an answer, in USD; None if it has none."""
    ticks = cost_ticks(payload)
    return None if ticks is None else ticks / contract.TICKS_PER_USD


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of a Retry-After header: a number, or an HTTP date relative to the answer's Date. At most a year."""
    value = headers.get("retry-after", "").strip()
    if not value or len(value) > 64 or not value.isascii():
        return None
    if value.isdecimal():
        return min(float(value), YEAR)
    try:
        now = parsedate_to_datetime(headers["date"][:64]) if "date" in headers else datetime.now(UTC)
        return min(max(0.0, (parsedate_to_datetime(value) - now).total_seconds()), YEAR)
    except Exception:  # an invalid date, one without a zone, or one beyond the calendar counts as absent
        return None


def _trimmed(text: str) -> str:
    """Replaces values that are too deep or too many by null, so that the top level can still be read."""
    cuts, opened = list[tuple[int, int]](), list[int]()
    depth = values = members = cut = 0
    for token in TOKENS.finditer(text):
        at = token.start()
        mark = text[at]
        if mark == '"':
            continue
        if mark in "]}":
            if cut and cut == depth:
                cuts.append((opened[cut - 1], at + 1))
                cut = 0
            depth -= 1
            if depth < 0:
                raise ValueError("unbalanced brackets")
            del opened[depth:]
        else:
            values += 1
            if mark != ",":
                depth += 1
                if not cut:
                    opened.append(at)
                    cut = depth if depth > DEEPEST else 0
            elif depth == 1:
                members += 1
            if members > MOST_VALUES:
                raise ValueError("too many values")
            if values > MOST_VALUES and depth > 1 and cut != 2:
                cut = 2
                while cuts and cuts[-1][0] > opened[1]:
                    cuts.pop()
    begins, ends = [0, *(end for _, end in cuts)], [*(begin for begin, _ in cuts), len(text)]
    return "null".join(text[begin:end] for begin, end in zip(begins, ends, strict=True)) if cuts else text


def _whole(value: Any) -> Any:
    """Replaces half surrogate pairs in every string of a value."""
    if isinstance(value, str):
        return HALF.sub("\ufffd", value)
    if isinstance(value, dict):
        return {HALF.sub("\ufffd", key): _whole(item) for key, item in value.items()}
    return [_whole(item) for item in value] if isinstance(value, list) else value


def _integer(digits: str) -> int | str:
    number = int(digits) if len(digits) <= 20 else None
    return number if number is not None and -(2**63) <= number < 2**63 else shown(digits, LONGEST_NUMBER)


def _float(digits: str) -> float | str:
    number = float(digits) if len(digits) <= LONGEST_NUMBER else math.inf
    return number if math.isfinite(number) else shown(digits, LONGEST_NUMBER)


_DECODER = json.JSONDecoder(parse_int=_integer, parse_float=_float, parse_constant=str, strict=False)
