"""The cost of a job, by the figures of `x-pricing`."""

from collections.abc import Mapping
from decimal import Decimal

from .contract import Contract


def ticks(contract: Contract, mode: str, model: str, resolution: str, amounts: Mapping[str, Decimal]) -> int:
    """Cost in the document's ticks.

    Args:
        contract: The document.
        mode: Decides which charges are added up.
        model: Decides the figures; a figure that the document lacks counts as 0.
        resolution: Decides the figure of an output second.
        amounts: The amount of each charge, such as `{"output_second": Decimal(8)}`.
    """
    figures = contract.pricing["models"][model]
    usd = Decimal(0)
    for charge in contract.pricing["charges"][mode]:
        figure = figures[charge]
        if isinstance(figure, Mapping):
            figure = figure[resolution]
        # Converted by str: the document's 0.07, not the nearest binary fraction.
        usd += Decimal(str(figure or 0)) * amounts.get(charge, Decimal(0))
    return int((usd * contract.pricing["ticks_per_usd"]).to_integral_value())
