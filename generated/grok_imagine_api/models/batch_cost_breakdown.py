# Generated from openapi/grok-imagine.yaml by `make generate`. Do not edit.
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.batch_endpoint_cost import BatchEndpointCost


T = TypeVar("T", bound="BatchCostBreakdown")


@_attrs_define
class BatchCostBreakdown:
    """What a batch has cost. Open; its form is known from gRPC alone."""

    total_cost_usd_ticks: int | None | Unset = UNSET
    """ In all """
    endpoint_costs: list[BatchEndpointCost] | None | Unset = UNSET
    """ By endpoint """
    calculation_time: None | str | Unset = UNSET
    """ When it was added up """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        total_cost_usd_ticks: int | None | Unset
        if isinstance(self.total_cost_usd_ticks, Unset):
            total_cost_usd_ticks = UNSET
        else:
            total_cost_usd_ticks = self.total_cost_usd_ticks

        endpoint_costs: list[dict[str, Any]] | None | Unset
        if isinstance(self.endpoint_costs, Unset):
            endpoint_costs = UNSET
        elif isinstance(self.endpoint_costs, list):
            endpoint_costs = []
            for endpoint_costs_type_0_item_data in self.endpoint_costs:
                endpoint_costs_type_0_item = endpoint_costs_type_0_item_data.to_dict()
                endpoint_costs.append(endpoint_costs_type_0_item)

        else:
            endpoint_costs = self.endpoint_costs

        calculation_time: None | str | Unset
        if isinstance(self.calculation_time, Unset):
            calculation_time = UNSET
        else:
            calculation_time = self.calculation_time

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if total_cost_usd_ticks is not UNSET:
            field_dict["total_cost_usd_ticks"] = total_cost_usd_ticks
        if endpoint_costs is not UNSET:
            field_dict["endpoint_costs"] = endpoint_costs
        if calculation_time is not UNSET:
            field_dict["calculation_time"] = calculation_time

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.batch_endpoint_cost import BatchEndpointCost  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_total_cost_usd_ticks(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        total_cost_usd_ticks = _parse_total_cost_usd_ticks(d.pop("total_cost_usd_ticks", UNSET))

        def _parse_endpoint_costs(data: object) -> list[BatchEndpointCost] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                endpoint_costs_type_0 = []
                _endpoint_costs_type_0 = data
                for endpoint_costs_type_0_item_data in _endpoint_costs_type_0:
                    endpoint_costs_type_0_item = BatchEndpointCost.from_dict(endpoint_costs_type_0_item_data)

                    endpoint_costs_type_0.append(endpoint_costs_type_0_item)

                return endpoint_costs_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[BatchEndpointCost] | None | Unset, data)

        endpoint_costs = _parse_endpoint_costs(d.pop("endpoint_costs", UNSET))

        def _parse_calculation_time(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        calculation_time = _parse_calculation_time(d.pop("calculation_time", UNSET))

        batch_cost_breakdown = cls(
            total_cost_usd_ticks=total_cost_usd_ticks,
            endpoint_costs=endpoint_costs,
            calculation_time=calculation_time,
        )

        batch_cost_breakdown.additional_properties = d
        return batch_cost_breakdown

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
