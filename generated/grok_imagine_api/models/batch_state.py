# Generated from openapi/grok-imagine.yaml by `make generate`. Do not edit.
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="BatchState")


@_attrs_define
class BatchState:
    """How many requests are how far. Finished when there are some and none is pending."""

    num_requests: int | None | Unset = UNSET
    """ All """
    num_pending: int | None | Unset = UNSET
    """ Not ended """
    num_success: int | None | Unset = UNSET
    """ Ended well """
    num_error: int | None | Unset = UNSET
    """ Failed """
    num_cancelled: int | None | Unset = UNSET
    """ Cancelled; may go back """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        num_requests: int | None | Unset
        if isinstance(self.num_requests, Unset):
            num_requests = UNSET
        else:
            num_requests = self.num_requests

        num_pending: int | None | Unset
        if isinstance(self.num_pending, Unset):
            num_pending = UNSET
        else:
            num_pending = self.num_pending

        num_success: int | None | Unset
        if isinstance(self.num_success, Unset):
            num_success = UNSET
        else:
            num_success = self.num_success

        num_error: int | None | Unset
        if isinstance(self.num_error, Unset):
            num_error = UNSET
        else:
            num_error = self.num_error

        num_cancelled: int | None | Unset
        if isinstance(self.num_cancelled, Unset):
            num_cancelled = UNSET
        else:
            num_cancelled = self.num_cancelled

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if num_requests is not UNSET:
            field_dict["num_requests"] = num_requests
        if num_pending is not UNSET:
            field_dict["num_pending"] = num_pending
        if num_success is not UNSET:
            field_dict["num_success"] = num_success
        if num_error is not UNSET:
            field_dict["num_error"] = num_error
        if num_cancelled is not UNSET:
            field_dict["num_cancelled"] = num_cancelled

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_num_requests(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        num_requests = _parse_num_requests(d.pop("num_requests", UNSET))

        def _parse_num_pending(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        num_pending = _parse_num_pending(d.pop("num_pending", UNSET))

        def _parse_num_success(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        num_success = _parse_num_success(d.pop("num_success", UNSET))

        def _parse_num_error(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        num_error = _parse_num_error(d.pop("num_error", UNSET))

        def _parse_num_cancelled(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        num_cancelled = _parse_num_cancelled(d.pop("num_cancelled", UNSET))

        batch_state = cls(
            num_requests=num_requests,
            num_pending=num_pending,
            num_success=num_success,
            num_error=num_error,
            num_cancelled=num_cancelled,
        )

        batch_state.additional_properties = d
        return batch_state

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
