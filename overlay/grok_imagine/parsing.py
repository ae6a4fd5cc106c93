"""From bytes that anybody may have sent to bounded plain values and harmless texts. Nothing here trusts its input.

What is beyond a bound is left out or cut, so that the rest can still be read: a job's id is not lost to nonsense beside it.
"""

from __future__ import annotations

import json
import math
import re
import zlib
from collections.abc import Iterable, Mapping
from json.decoder import scanstring  # type: ignore[attr-defined]  # typeshed leaves it out
from typing import Any

from grok_imagine_api import contract

MOST_ANSWER = 8 << 20
"""Bytes of an answer that are taken in; the longest, a list of models, has a few thousand."""

BLOCK = 1 << 20
"""Bytes that are unpacked at once."""

MOST_JSON = 4 << 20
"""Bytes that are read as JSON. A text may take four times as much memory, and is there twice."""

MOST_VALUES = 50_000
"""Values in an answer; each takes up to 300 bytes of memory."""

DEEPEST = 64
"""Levels of lists and objects in one another; what lies deeper is null."""

LONGEST_NUMBER = 400
"""Digits; no number of 64 bits has more, but for a float with a pointless tail."""

YEAR = 366 * 86400.0
"""Seconds; a Retry-After that is longer is as good as never."""

EXCERPT = 500
"""Characters of the service's words that are shown at once."""

SHORTEST_SECRET = 8
"""A shorter key is none of the service's, and would blot out innocent text."""

HALF = re.compile("[\ud800-\udfff]")
ESCAPED_HALF = re.compile(r"\\u[dD][89a-fA-F]")
TOKENS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{},]', re.DOTALL)


def shown(text: object, most: int = EXCERPT) -> str:
    """A text for messages, logs and terminals: short, on one line, and without what steers a terminal or turns its direction."""
    text = text if isinstance(text, str) else str(text)
    excerpt = text[: most + 1]
    if not excerpt.isprintable():
        excerpt = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in excerpt)
    return excerpt if len(excerpt) <= most else excerpt[: most - 1] + "…"


def is_plain_id(value: str) -> bool:
    """Whether an id is like those that the service was ever seen to give, so that it can be shown and typed as it is."""
    return re.fullmatch(r"\w[\w.:-]{0,199}", value, re.ASCII) is not None


def blot(error: BaseException, secret: str) -> None:
    """Removes a secret from an error and its causes: a broken proxy may echo the key in an answer."""
    cause: BaseException | None = error
    for _ in range(20):
        if cause is None or len(secret) < SHORTEST_SECRET:
            return
        for name, value in cause.__dict__.items():
            cause.__dict__[name] = without(value, secret)
        cause.args = tuple(without(arg, secret) for arg in cause.args)
        cause = cause.__cause__ or cause.__context__


def without(value: Any, secret: str) -> Any:
    """A plain value in which no text holds the secret."""
    if isinstance(value, str):
        return value.replace(secret, "***")
    if isinstance(value, dict):
        return {without(key, secret): without(item, secret) for key, item in value.items()}
    return [without(item, secret) for item in value] if isinstance(value, list) else value


def read_json(body: bytes, secret: str = "") -> Any:
    """The value of a JSON text, as values that any JSON writer, UTF-8 and 64 bits can hold.

    It is read as UTF-8, whatever a header says. What is no UTF-8, and half of a surrogate pair, becomes U+FFFD. A number
    that 64 bits do not hold stays a text, as do NaN and the infinities. The last of equal names wins.

    Raises:
        ValueError: No JSON, or more than is read.
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
    """The first text of this name in what may be a part of a JSON text, or one that `read_json` refuses."""
    at = body.find(b'"%s"' % name.encode())
    if at < 0:
        return None
    rest = body[at + len(name) + 2 : at + MOST_JSON].decode("utf-8", "replace")
    begin = re.match(r'\s*:\s*"', rest)
    try:
        text: str = scanstring(rest, begin.end(), False)[0] if begin else ""
    except ValueError:  # it breaks off within the text
        return None
    return HALF.sub("\ufffd", text) or None


def unpack(body: bytes, encodings: Iterable[str]) -> tuple[bytes, str]:
    """A body unpacked as far as it goes, and what is wrong with it, if anything is."""
    names = [
        name for each in encodings for part in each.split(",") if (name := part.strip().lower()) not in ("", "identity")
    ]
    too_long = f"is longer than {MOST_ANSWER >> 20} MiB"
    if not names or not body:
        return body[:MOST_ANSWER], too_long if len(body) > MOST_ANSWER else ""
    if len(names) > 1 or names[0] not in ("gzip", "x-gzip", "deflate"):
        return b"", f"is in an encoding that was not asked for: {shown(', '.join(names), 60)}"
    for bits in (15, -15) if names[0] == "deflate" else (31,):  # some send deflate without its frame
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
    return b"", f"is no {names[0]}"


def code_and_message(data: object) -> tuple[str | None, str | None]:
    """Reads `{code, error}`, `{error: {code, message}}` and `{error: text}`; any other body is its own message."""
    if not isinstance(data, dict):
        return None, None
    code, error = data.get("code"), data.get("error")
    if isinstance(error, dict):
        code, error = error.get("code", code), error.get("message")
    is_code = isinstance(code, str | int) and not isinstance(code, bool)
    return shown(code, 100) if is_code else None, error if isinstance(error, str) else None


def told_cost(data: object) -> object:
    """What an answer says of its cost, whatever that is; None if it says nothing."""
    usage = data.get("usage") if isinstance(data, Mapping) else None
    return usage.get("cost_in_usd_ticks") if isinstance(usage, dict) else None


def cost_ticks(data: object) -> int | None:
    """The cost that an answer tells, in ticks of 1/10,000,000,000 USD: a whole number of 63 bits; None for any other."""
    ticks = told_cost(data)
    if isinstance(ticks, float) and ticks.is_integer():
        ticks = int(ticks)
    return ticks if type(ticks) is int and 0 <= ticks < 2**63 else None


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of a Retry-After header: a number, or an HTTP date counted from the answer's own Date. Bounded by a year."""
    value = headers.get("retry-after", "").strip()
    if not value or len(value) > 64 or not value.isascii():
        return None
    if value.isdecimal():
        return min(float(value), YEAR)
    # Only here: most programs never see the header, and the parser costs an import.
    from datetime import UTC, datetime
    from email.utils import parsedate_to_datetime

    try:
        now = parsedate_to_datetime(headers["date"][:64]) if "date" in headers else datetime.now(UTC)
        return min(max(0.0, (parsedate_to_datetime(value) - now).total_seconds()), YEAR)
    except Exception:  # no date, or one without a zone, or beyond the calendar: as if there were none
        return None


def _trimmed(text: str) -> str:
    """A JSON text with null for what is too deep or too much: what stands at the top can still be read then."""
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
                raise ValueError("more is closed than was opened")
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
                raise ValueError("more values than are read")
            if values > MOST_VALUES and depth > 1 and cut != 2:
                cut = 2
                while cuts and cuts[-1][0] > opened[1]:
                    cuts.pop()
    begins, ends = [0, *(end for _, end in cuts)], [*(begin for begin, _ in cuts), len(text)]
    return "null".join(text[begin:end] for begin, end in zip(begins, ends, strict=True)) if cuts else text


def _whole(value: Any) -> Any:
    """A value in which no text holds half of a surrogate pair."""
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


def cost_usd(payload: Mapping[str, Any] | None) -> float | None:
    """What an answer says that it cost, in USD, if it does."""
    ticks = cost_ticks(payload)
    return None if ticks is None else ticks / contract.TICKS_PER_USD
