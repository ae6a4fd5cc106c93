"""The list of models. Each entry is the document's example, or is derived from one by `x-modes`."""

from datetime import UTC, datetime
from typing import Any

from .contract import Contract


def model_card(contract: Contract, name: str) -> dict[str, Any]:
    """A model in the form of `GET /video-generation-models/{model_id}`. `name` is one of `Contract.models`."""
    listed = contract.example("listVideoModels")["models"]
    examples: dict[str, dict[str, Any]] = {example["id"]: example for example in listed}
    if name in examples:
        return examples[name]
    example = examples[contract.default_model]
    model = contract.models[name]
    since = datetime.strptime(model["since"], "%Y-%m").replace(tzinfo=UTC)
    return {**example, "id": name, "created": int(since.timestamp()), "aliases": model["aliases"]}
