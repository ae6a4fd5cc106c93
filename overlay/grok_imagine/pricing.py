"""Cost estimates from x-pricing, before a request is sent, with their assumptions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal

from grok_imagine_api import contract

from .core.request import VideoRequest
from .core.validation import model_name
from .errors import OutOfRange
from .media.checks import at, seconds_of_video

__all__ = ["Estimate", "estimate"]

DAY = 86400


class Estimate(float):
    """The maximum cost of a request in USD: a float with its assumptions.

    Attributes:
        assumed: The assumptions where the request has no value, each as a short sentence.
    """

    assumed: tuple[str, ...]

    def __new__(cls, usd: float | Decimal, assumed: tuple[str, ...] = ()) -> Estimate:
        """An amount and its assumptions."""
        made = super().__new__(cls, usd)
        made.assumed = assumed
        return made

    def __reduce__(self) -> tuple[type[Estimate], tuple[float, tuple[str, ...]]]:
        return Estimate, (float(self), self.assumed)


def estimate(request: VideoRequest, *, input_seconds: float | None = None) -> Estimate | None:
    """The maximum cost of a request in USD. An item without a known price counts as 0.

    Every image counts, including pinned frames and keyframes. The seconds of an input video count, and so does the storage of
    a result by `storage_options`. A video that moderation withholds after it was made has the full price.

    The length of a video in a data: URL is measured. For other videos without `input_seconds` the maximum length is assumed.
    An edit or extension has the resolution of its input; the dearest is assumed. `assumed` of the result lists all this.

    Args:
        request: The request; it is not validated.
        input_seconds: Length of the input video, if known.

    Returns:
        USD, or None for a model without known prices.

    Raises:
        UnknownField: A model that other documents name but that does not exist.
        OutOfRange: `request` is none, `input_seconds` is not a number from 0 on, or `duration` is not a whole number.
    """
    if not isinstance(request, VideoRequest):
        rule = f"is a request, such as TextToVideo('A heron', duration=8); got {type(request).__name__}"
        raise OutOfRange(rule, fields=["request"], section="client")
    model = model_name(request.body.get("model"))
    price = contract.PRICES.get(model)
    if price is None:
        return None
    bill = _Bill(request, price, input_seconds)
    if price.confidence != "H":
        bill.assumed.append(f"the prices of {model} are right; they have a single source")
    amount = sum((bill.charge(name) for name in contract.CHARGES[request.mode]), Decimal(0)) + bill.storage()
    return Estimate(amount, tuple(bill.assumed))


class _Bill:
    """The items of a bill, and the assumptions so far."""

    def __init__(self, request: VideoRequest, price: contract.Price, input_seconds: float | None) -> None:
        self.assumed: list[str] = []
        self._request, self._price = request, price
        self._input = self._input_seconds(input_seconds)

    def charge(self, name: str) -> Decimal:
        """The amount of one of the contract's charges."""
        if name == "output_second":
            return self._output_seconds() * self._rate()
        count = Decimal(len(self._images())) if name == "input_image" else self._input
        price = self._price.input_image if name == "input_image" else self._price.input_second
        if price is None and count:
            self.assumed.append(f"an {name.replace('_', ' ')} costs nothing; its price is unknown")
        return count * (price or Decimal(0))

    def storage(self) -> Decimal:
        """The amount for storing the result: for the requested time, or for the maximum time."""
        options = self._request.body.get("storage_options")
        if not isinstance(options, Mapping):
            return Decimal(0)
        most = contract.LIMITS["storage_expiry_maximum"].value
        asked = options.get("expires_after")
        is_given = isinstance(asked, int | float) and not isinstance(asked, bool) and 0 <= asked < math.inf
        days = Decimal(str(asked if is_given else most)) / DAY
        size = f"{contract.STORED_BYTES >> 20} MiB, the maximum"
        until = "" if is_given else "; without `expires_after` it is stored, and paid for, until it is deleted"
        self.assumed.append(f"the stored file has {size}, and is stored for {days:.4g} days{until}")
        return contract.STORAGE.gib_day * days * contract.STORED_BYTES / 2**30

    def _rate(self) -> Decimal:
        """USD for a second of output. Where the resolution is unknown, as for an edit or extension, the dearest."""
        limit = contract.MODES[self._request.mode].limits.get("resolution")
        asked, prices = self._request.body.get("resolution"), self._price.output_second
        resolution = str(asked or (limit.default if limit else None))
        if resolution in prices:
            if not asked:
                self.assumed.append(f"the resolution is {resolution}, the default")
            return prices[resolution]
        dearest = max(prices, key=lambda name: prices[name])
        self.assumed.append(f"the resolution is {dearest}, the dearest")
        return prices[dearest]

    def _output_seconds(self) -> Decimal:
        """Seconds of output: of an edit those of its input, capped; of an extension the new ones."""
        if contract.CHARGED_SECONDS[self._request.mode] == "input":
            return min(self._input, Decimal(str(self._longest_input())))
        limit = contract.MODES[self._request.mode].limits["duration"]
        duration = self._request.body.get("duration")
        if duration is None:
            duration = limit.default
            self.assumed.append(f"the duration is {duration} s, the default")
        if isinstance(duration, bool) or not isinstance(duration, int) or duration < 0:
            rule = f"is a whole number of seconds; got {duration!r}"
            raise OutOfRange(rule, fields=["duration"], mode=self._request.mode)
        return Decimal(duration)

    def _input_seconds(self, given: float | None) -> Decimal:
        if given is not None:
            if not 0 <= given < math.inf:
                raise OutOfRange(f"is a number of seconds from 0 on; got {given!r}", fields=["input_seconds"])
            return Decimal(str(given))
        longest = self._longest_input()
        if longest is None:
            return Decimal(0)
        measured = seconds_of_video(self._request.body.get("video"))
        if measured is not None:
            return Decimal(str(measured))
        self.assumed.append(f"the input video is {longest:g} s long, the maximum")
        return Decimal(str(longest))

    def _longest_input(self) -> float | None:
        """The longest input video that the mode takes, in seconds; None if it takes none."""
        limit = contract.MODES[self._request.mode].limits.get("video")
        return limit.max_seconds if limit else None

    def _images(self) -> list[object]:
        """The images that are billed: all that are given."""
        return [image for path in contract.INPUTS["image"].paths for image in at(path, self._request.body)]
