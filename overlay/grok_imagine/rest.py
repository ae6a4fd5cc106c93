"""What the flows of files and batches have in common: one call, calls that make something, and pages.

These calls are outside the limits of videos, so that no pacer keeps them waiting.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import Any, TypeAlias, TypeVar

from .answers.answer import Answer
from .answers.api_errors import api_error
from .core.effects import Call, Flow
from .core.operations import is_certain, is_transient, repeat
from .core.retry import Delivery, Retries, delivery_of
from .errors import CreateOutcomeUnknown, GrokImagineError, OutOfRange
from .parsing import shown

T = TypeVar("T")

Fetch: TypeAlias = "Callable[[str | None], Flow[tuple[list[T], str | None]]]"
"""Fetches the page that a token asks for, the first without one; gives its entries and the next page's token."""


def ask(request: dict[str, Any], retries: Retries) -> Flow[Answer]:
    """The answer to a request that does the same when it is repeated; so it is repeated after anything transient."""
    return repeat(lambda: once(request), is_transient, retries)


def once(request: dict[str, Any]) -> Flow[Answer]:
    """The answer to a request; raises the error that it is, if it is one."""
    answer: Answer = yield Call(request)
    if not 200 <= answer.status_code < 300:
        raise api_error(answer.status_code, answer.headers, answer.body, data=answer.value)
    return answer


def make(request: dict[str, Any], read: Callable[[Answer], T], retries: Retries, *, kind: str, name: str) -> Flow[T]:
    """Makes something by a request that makes another when it is repeated: it is, if it is certain that nothing was made.

    Raises:
        CreateOutcomeUnknown: It may have been made.
    """

    def attempt() -> Flow[T]:
        return read((yield from once(request)))

    try:
        return (yield from repeat(attempt, is_certain, retries))
    except GrokImagineError as error:
        if delivery_of(error) is not Delivery.OUTCOME_UNKNOWN:
            raise
        way = {
            "file": "client.files.list() finds it by its name; without expires_after it is charged until it is deleted",
            "batch": "client.batches.list() finds it by its name; while it is empty it costs nothing",
        }
        text = f"the {kind} {shown(name, 100)!r} may or may not have been made: {error}; {way[kind]}"
        raise CreateOutcomeUnknown(text, kind=kind, name=name, request_id=error.request_id) from error


def pages(
    request: Callable[[str | None], dict[str, Any]],
    key: str,
    read: Callable[[Mapping[str, Any], Mapping[str, str]], T | None],
    retries: Retries,
) -> Fetch[T]:
    """Fetches a list page by page.

    Args:
        request: The request for the page that a token asks for.
        key: Where the answer has its entries.
        read: Makes an entry of its JSON and the headers of its answer; None if it is none.
        retries: The client's.
    """
    seen = set[str]()

    def fetch(token: str | None) -> Flow[tuple[list[T], str | None]]:
        answer = yield from ask(request(token), retries)
        data = answer.json()
        entries, after = data.get(key), data.get("pagination_token")
        read_ = [read(entry, answer.headers) if isinstance(entry, dict) else None for entry in _list(entries, answer)]
        found = [entry for entry in read_ if entry is not None]
        if len(found) < len(read_):
            raise answer.unexpected(f"holds what is no entry of `{key}`")
        if not (isinstance(after, str) and after):
            return found, None
        if after in seen:  # else it would go on for ever
            raise answer.unexpected("names a page that was there before")
        seen.add(after)
        return found, after

    return fetch


def _list(entries: object, answer: Answer) -> list[Any]:
    if entries is None:
        return []
    if not isinstance(entries, list):
        raise answer.unexpected("holds no list")
    return entries


def walk(run: Callable[[Flow[tuple[list[T], str | None]]], tuple[list[T], str | None]], fetch: Fetch[T]) -> Iterator[T]:
    """Goes through all pages; each is fetched when the one before is used up."""
    token: str | None = None
    while True:
        entries, token = run(fetch(token))
        yield from entries
        if token is None:
            return


async def walk_async(
    run: Callable[[Flow[tuple[list[T], str | None]]], Awaitable[tuple[list[T], str | None]]], fetch: Fetch[T]
) -> AsyncIterator[T]:
    """The same for asyncio."""
    token: str | None = None
    while True:
        entries, token = await run(fetch(token))
        for entry in entries:
            yield entry
        if token is None:
            return


def check_whole(value: object, name: str, least: int, most: int, section: str, unit: str = "") -> None:
    """Refuses what is no whole number within bounds; None is as good as left out."""
    if value is not None and not (type(value) is int and least <= value <= most):
        rule = f"is a whole number{unit} from {least:,} to {most:,}; got {value!r}"
        raise OutOfRange(rule, fields=[name], instead="or leave it out", section=section)
