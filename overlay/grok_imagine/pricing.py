"""What a request will cost, from x-pricing, before anything is sent."""

from __future__ import annotations

from decimal import Decimal

from grok_imagine_api import contract

from .errors import OutOfRange
from .modes import model_name
from .requests import VideoRequest

__all__ = ["estimate"]


def estimate(request: VideoRequest, *, input_seconds: float | None = None) -> float | None:
    """What a request will cost in USD at most, as far as prices are known: what has none counts as nothing.

    An edit or extension depends on its input: without `input_seconds` the longest is assumed, and of an edit, whose
    resolution is its input's, the dearest.

    Args:
        request: The request; not checked.
        input_seconds: Length of the input video, if known.

    Returns:
        USD, or None for a model without known prices.

    Raises:
        OutOfRange: `input_seconds` is negative, or `duration` no whole number.
    """
    price = contract.PRICES.get(model_name(request.body.get("model")))
    if price is None:
        return None
    amounts = {
        "output_second": _output_seconds(request, input_seconds) * _rate(request, price),
        "input_image": len(_images(request)) * (price.input_image or Decimal(0)),
        "input_second": _input_seconds(request, input_seconds) * (price.input_second or Decimal(0)),
    }
    return float(sum((amounts[charge] for charge in contract.CHARGES[request.mode]), Decimal(0)))


def _rate(request: VideoRequest, price: contract.Price) -> Decimal:
    """USD a second of output. An edit's or extension's resolution is its input's: the dearest, but for an unknown one."""
    limit = contract.MODES[request.mode].limits.get("resolution")
    resolution = request.body.get("resolution") or (limit.default if limit else None)
    return price.output_second.get(str(resolution), max(price.output_second.values()))


def _output_seconds(request: VideoRequest, input_seconds: float | None) -> Decimal:
    """Seconds that are made: an edit's are its input's, capped; an extension's are the new ones."""
    if request.mode == "edit-video":
        return min(_input_seconds(request, input_seconds), Decimal(str(contract.LIMITS["edit_input"].value)))
    limit = contract.MODES[request.mode].limits["duration"]
    duration = request.body.get("duration", limit.default)
    if isinstance(duration, bool) or not isinstance(duration, int) or duration < 0:
        raise OutOfRange(f"is a whole number of seconds; got {duration!r}", fields=["duration"], mode=request.mode)
    return Decimal(duration)


def _input_seconds(request: VideoRequest, given: float | None) -> Decimal:
    if given is not None:
        if not given >= 0:
            raise OutOfRange(f"is a number of seconds from 0 on; got {given!r}", fields=["input_seconds"])
        return Decimal(str(given))
    longest = {"edit-video": "edit_input", "extend-video": "extend_input_maximum"}.get(request.mode)
    return Decimal(str(contract.LIMITS[longest].value)) if longest else Decimal(0)


def _images(request: VideoRequest) -> list[object]:
    """The images that are billed: every one that is given."""
    given = [request.body[field] for field in contract.INPUTS["image"].fields if field in request.body]
    return [image for item in given for image in (item if isinstance(item, list | tuple) else [item])]
