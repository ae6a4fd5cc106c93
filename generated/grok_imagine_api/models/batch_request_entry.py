# Generated from openapi/grok-imagine.yaml by `make generate`. Do not edit.
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.batch_request import BatchRequest


T = TypeVar("T", bound="BatchRequestEntry")


@_attrs_define
class BatchRequestEntry:
    """A request and its id"""

    batch_request: BatchRequest
    """ Exactly one of these. The service also takes `chat_get_completion`, `responses`, `image_generation` and
    `image_edit`, which are not part of this document.
     """
    batch_request_id: None | str | Unset = UNSET
    """ Your own id, unique in the batch; left out, the service makes one """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        batch_request = self.batch_request.to_dict()

        batch_request_id: None | str | Unset
        if isinstance(self.batch_request_id, Unset):
            batch_request_id = UNSET
        else:
            batch_request_id = self.batch_request_id

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "batch_request": batch_request,
            }
        )
        if batch_request_id is not UNSET:
            field_dict["batch_request_id"] = batch_request_id

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.batch_request import BatchRequest  # noqa: PLC0415

        d = dict(src_dict)
        batch_request = BatchRequest.from_dict(d.pop("batch_request"))

        def _parse_batch_request_id(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        batch_request_id = _parse_batch_request_id(d.pop("batch_request_id", UNSET))

        batch_request_entry = cls(
            batch_request=batch_request,
            batch_request_id=batch_request_id,
        )

        batch_request_entry.additional_properties = d
        return batch_request_entry

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
