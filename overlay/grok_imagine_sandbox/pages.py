"""Pagination: the entries after a key, and a token for the next page (register, Batches and Files)."""

import base64
import binascii
import json
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from starlette.requests import Request

from .answers import Refusal
from .contract import Contract

T = TypeVar("T")

_DEFAULT = 100


def page(
    contract: Contract, request: Request, entries: Iterable[T], key: Callable[[T], Any], *, descending: bool = False
) -> tuple[list[T], str | None]:
    """The entries of the requested page, and the token of the next one.

    Args:
        contract: The document.
        request: May have `limit` and `pagination_token`.
        entries: All of them.
        key: The sort key: unique, and representable in JSON.
        descending: Whether the largest comes first.

    Raises:
        Refusal: A parameter is invalid.
    """
    asked = request.query_params
    most = int(contract.limit("page_size"))
    text = asked.get("limit", str(_DEFAULT))
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= most):
        raise Refusal(contract.unnamed_error("bad_request", f"`limit` must be between 1 and {most}."))
    after = _read(contract, asked["pagination_token"]) if "pagination_token" in asked else None
    found = sorted(entries, key=key, reverse=descending)
    if after is not None:
        try:
            found = [entry for entry in found if (key(entry) < after if descending else key(entry) > after)]
        except TypeError:
            raise _no_token(contract) from None
    shown = found[: int(text)]
    return shown, _written(key(shown[-1])) if len(found) > len(shown) else None


def _written(key: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode()


def _read(contract: Contract, token: str) -> Any:
    try:
        key = json.loads(base64.urlsafe_b64decode(token.encode("ascii")))
    except (ValueError, binascii.Error, RecursionError):
        raise _no_token(contract) from None
    return tuple(key) if isinstance(key, list) else key


def _no_token(contract: Contract) -> Refusal:
    return Refusal(contract.unnamed_error("bad_request", "`pagination_token` does not belong to this list."))
