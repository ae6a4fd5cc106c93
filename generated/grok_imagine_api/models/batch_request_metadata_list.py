# Generated from openapi/grok-imagine.yaml by `make generate`. Do not edit.
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.batch_request_metadata import BatchRequestMetadata


T = TypeVar("T", bound="BatchRequestMetadataList")


@_attrs_define
class BatchRequestMetadataList:
    """A page of requests"""

    batch_request_metadata: list[BatchRequestMetadata] | None | Unset = UNSET
    """ The requests """
    pagination_token: None | str | Unset = UNSET
    """ Asks for the next page; null on the last """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        batch_request_metadata: list[dict[str, Any]] | None | Unset
        if isinstance(self.batch_request_metadata, Unset):
            batch_request_metadata = UNSET
        elif isinstance(self.batch_request_metadata, list):
            batch_request_metadata = []
            for batch_request_metadata_type_0_item_data in self.batch_request_metadata:
                batch_request_metadata_type_0_item = batch_request_metadata_type_0_item_data.to_dict()
                batch_request_metadata.append(batch_request_metadata_type_0_item)

        else:
            batch_request_metadata = self.batch_request_metadata

        pagination_token: None | str | Unset
        if isinstance(self.pagination_token, Unset):
            pagination_token = UNSET
        else:
            pagination_token = self.pagination_token

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if batch_request_metadata is not UNSET:
            field_dict["batch_request_metadata"] = batch_request_metadata
        if pagination_token is not UNSET:
            field_dict["pagination_token"] = pagination_token

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.batch_request_metadata import BatchRequestMetadata  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_batch_request_metadata(data: object) -> list[BatchRequestMetadata] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                batch_request_metadata_type_0 = []
                _batch_request_metadata_type_0 = data
                for batch_request_metadata_type_0_item_data in _batch_request_metadata_type_0:
                    batch_request_metadata_type_0_item = BatchRequestMetadata.from_dict(
                        batch_request_metadata_type_0_item_data
                    )

                    batch_request_metadata_type_0.append(batch_request_metadata_type_0_item)

                return batch_request_metadata_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[BatchRequestMetadata] | None | Unset, data)

        batch_request_metadata = _parse_batch_request_metadata(d.pop("batch_request_metadata", UNSET))

        def _parse_pagination_token(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        pagination_token = _parse_pagination_token(d.pop("pagination_token", UNSET))

        batch_request_metadata_list = cls(
            batch_request_metadata=batch_request_metadata,
            pagination_token=pagination_token,
        )

        batch_request_metadata_list.additional_properties = d
        return batch_request_metadata_list

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
