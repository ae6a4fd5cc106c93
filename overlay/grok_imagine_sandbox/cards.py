"""The list of models. Each entry is the document's example, with what `x-modes` says of the model."""

from datetime import UTC, datetime
from typing import Any

from .contract import Contract


def model_card(contract: Contract, name: str) -> dict[str, Any]:
    """A model as `GET /video-generation-models/{model_id}` describes it. `name` is one of `Contract.models`."""
    operation = contract.document["paths"]["/video-generation-models/{model_id}"]["get"]
    example: dict[str, Any] = operation["responses"]["200"]["content"]["application/json"]["example"]
    if name == example["id"]:
        return example
    model = contract.models[name]
    since = datetime.strptime(model["since"], "%Y-%m").replace(tzinfo=UTC)
    return {**example, "id": name, "created": int(since.timestamp()), "aliases": model["aliases"]}
