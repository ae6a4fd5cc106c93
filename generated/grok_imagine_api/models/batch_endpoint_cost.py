# Generated from openapi/grok-imagine.yaml by `make generate`. Do not edit.
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="BatchEndpointCost")


@_attrs_define
class BatchEndpointCost:
    """What the requests to one endpoint have cost. Open; its form is known from gRPC alone."""

    endpoint: None | str | Unset = UNSET
    """ The endpoint """
    cost_usd_ticks: int | None | Unset = UNSET
    """ Their cost """
    request_count: int | None | Unset = UNSET
    """ Their number """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        endpoint: None | str | Unset
        if isinstance(self.endpoint, Unset):
            endpoint = UNSET
        else:
            endpoint = self.endpoint

        cost_usd_ticks: int | None | Unset
        if isinstance(self.cost_usd_ticks, Unset):
            cost_usd_ticks = UNSET
        else:
            cost_usd_ticks = self.cost_usd_ticks

        request_count: int | None | Unset
        if isinstance(self.request_count, Unset):
            request_count = UNSET
        else:
            request_count = self.request_count

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if endpoint is not UNSET:
            field_dict["endpoint"] = endpoint
        if cost_usd_ticks is not UNSET:
            field_dict["cost_usd_ticks"] = cost_usd_ticks
        if request_count is not UNSET:
            field_dict["request_count"] = request_count

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_endpoint(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        endpoint = _parse_endpoint(d.pop("endpoint", UNSET))

        def _parse_cost_usd_ticks(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        cost_usd_ticks = _parse_cost_usd_ticks(d.pop("cost_usd_ticks", UNSET))

        def _parse_request_count(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        request_count = _parse_request_count(d.pop("request_count", UNSET))

        batch_endpoint_cost = cls(
            endpoint=endpoint,
            cost_usd_ticks=cost_usd_ticks,
            request_count=request_count,
        )

        batch_endpoint_cost.additional_properties = d
        return batch_endpoint_cost

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
