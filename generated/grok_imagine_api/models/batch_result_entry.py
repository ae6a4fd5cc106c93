# Generated from openapi/grok-imagine.yaml by `make generate`. Do not edit.
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.batch_outcome import BatchOutcome


T = TypeVar("T", bound="BatchResultEntry")


@_attrs_define
class BatchResultEntry:
    """What became of a request"""

    batch_request_id: None | str | Unset = UNSET
    """ Its id """
    batch_result: BatchOutcome | None | Unset = UNSET
    """ A response, or an error """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.batch_outcome import BatchOutcome  # noqa: PLC0415

        batch_request_id: None | str | Unset
        if isinstance(self.batch_request_id, Unset):
            batch_request_id = UNSET
        else:
            batch_request_id = self.batch_request_id

        batch_result: dict[str, Any] | None | Unset
        if isinstance(self.batch_result, Unset):
            batch_result = UNSET
        elif isinstance(self.batch_result, BatchOutcome):
            batch_result = self.batch_result.to_dict()
        else:
            batch_result = self.batch_result

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if batch_request_id is not UNSET:
            field_dict["batch_request_id"] = batch_request_id
        if batch_result is not UNSET:
            field_dict["batch_result"] = batch_result

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.batch_outcome import BatchOutcome  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_batch_request_id(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        batch_request_id = _parse_batch_request_id(d.pop("batch_request_id", UNSET))

        def _parse_batch_result(data: object) -> BatchOutcome | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                batch_result_type_0 = BatchOutcome.from_dict(data)

                return batch_result_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(BatchOutcome | None | Unset, data)

        batch_result = _parse_batch_result(d.pop("batch_result", UNSET))

        batch_result_entry = cls(
            batch_request_id=batch_request_id,
            batch_result=batch_result,
        )

        batch_result_entry.additional_properties = d
        return batch_result_entry

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
