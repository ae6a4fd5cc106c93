# Generated from openapi/grok-imagine.yaml by `make generate`. Do not edit.
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.batch_request_entry import BatchRequestEntry


T = TypeVar("T", bound="AddBatchRequestsRequest")


@_attrs_define
class AddBatchRequestsRequest:
    """Body of `POST /batches/{batch_id}/requests`; at most 25 MB"""

    batch_requests: list[BatchRequestEntry]
    """ The requests """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        batch_requests = []
        for batch_requests_item_data in self.batch_requests:
            batch_requests_item = batch_requests_item_data.to_dict()
            batch_requests.append(batch_requests_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "batch_requests": batch_requests,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.batch_request_entry import BatchRequestEntry  # noqa: PLC0415

        d = dict(src_dict)
        batch_requests = []
        _batch_requests = d.pop("batch_requests")
        for batch_requests_item_data in _batch_requests:
            batch_requests_item = BatchRequestEntry.from_dict(batch_requests_item_data)

            batch_requests.append(batch_requests_item)

        add_batch_requests_request = cls(
            batch_requests=batch_requests,
        )

        add_batch_requests_request.additional_properties = d
        return add_batch_requests_request

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
