# Generated from openapi/grok-imagine.yaml by `make generate`. Do not edit.
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.batch_cost_breakdown import BatchCostBreakdown
    from ..models.batch_state import BatchState


T = TypeVar("T", bound="Batch")


@_attrs_define
class Batch:
    """A batch and its counters. Its times are dates without a time of day."""

    batch_id: str
    """ Opaque id """
    name: None | str | Unset = UNSET
    """ As it was made """
    create_api_key_id: None | str | Unset = UNSET
    """ Id of the key that made it """
    create_time: None | str | Unset = UNSET
    """ Date """
    expire_time: None | str | Unset = UNSET
    """ Date from which its results can't be read; what is unfinished by then is cancelled """
    cancel_time: None | str | Unset = UNSET
    """ Date, if it was cancelled """
    cancel_by_xai_message: None | str | Unset = UNSET
    """ Why the service cancelled it, such as a bad line """
    state: BatchState | None | Unset = UNSET
    """ The counters """
    input_file_id: None | str | Unset = UNSET
    """ The file it was made of, if any """
    cost_breakdown: BatchCostBreakdown | None | Unset = UNSET
    """ What it has cost. Described by the vendor's gRPC and SDK; in no recorded answer of this API. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.batch_cost_breakdown import BatchCostBreakdown  # noqa: PLC0415
        from ..models.batch_state import BatchState  # noqa: PLC0415

        batch_id = self.batch_id

        name: None | str | Unset
        if isinstance(self.name, Unset):
            name = UNSET
        else:
            name = self.name

        create_api_key_id: None | str | Unset
        if isinstance(self.create_api_key_id, Unset):
            create_api_key_id = UNSET
        else:
            create_api_key_id = self.create_api_key_id

        create_time: None | str | Unset
        if isinstance(self.create_time, Unset):
            create_time = UNSET
        else:
            create_time = self.create_time

        expire_time: None | str | Unset
        if isinstance(self.expire_time, Unset):
            expire_time = UNSET
        else:
            expire_time = self.expire_time

        cancel_time: None | str | Unset
        if isinstance(self.cancel_time, Unset):
            cancel_time = UNSET
        else:
            cancel_time = self.cancel_time

        cancel_by_xai_message: None | str | Unset
        if isinstance(self.cancel_by_xai_message, Unset):
            cancel_by_xai_message = UNSET
        else:
            cancel_by_xai_message = self.cancel_by_xai_message

        state: dict[str, Any] | None | Unset
        if isinstance(self.state, Unset):
            state = UNSET
        elif isinstance(self.state, BatchState):
            state = self.state.to_dict()
        else:
            state = self.state

        input_file_id: None | str | Unset
        if isinstance(self.input_file_id, Unset):
            input_file_id = UNSET
        else:
            input_file_id = self.input_file_id

        cost_breakdown: dict[str, Any] | None | Unset
        if isinstance(self.cost_breakdown, Unset):
            cost_breakdown = UNSET
        elif isinstance(self.cost_breakdown, BatchCostBreakdown):
            cost_breakdown = self.cost_breakdown.to_dict()
        else:
            cost_breakdown = self.cost_breakdown

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "batch_id": batch_id,
            }
        )
        if name is not UNSET:
            field_dict["name"] = name
        if create_api_key_id is not UNSET:
            field_dict["create_api_key_id"] = create_api_key_id
        if create_time is not UNSET:
            field_dict["create_time"] = create_time
        if expire_time is not UNSET:
            field_dict["expire_time"] = expire_time
        if cancel_time is not UNSET:
            field_dict["cancel_time"] = cancel_time
        if cancel_by_xai_message is not UNSET:
            field_dict["cancel_by_xai_message"] = cancel_by_xai_message
        if state is not UNSET:
            field_dict["state"] = state
        if input_file_id is not UNSET:
            field_dict["input_file_id"] = input_file_id
        if cost_breakdown is not UNSET:
            field_dict["cost_breakdown"] = cost_breakdown

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.batch_cost_breakdown import BatchCostBreakdown  # noqa: PLC0415
        from ..models.batch_state import BatchState  # noqa: PLC0415

        d = dict(src_dict)
        batch_id = d.pop("batch_id")

        def _parse_name(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        name = _parse_name(d.pop("name", UNSET))

        def _parse_create_api_key_id(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        create_api_key_id = _parse_create_api_key_id(d.pop("create_api_key_id", UNSET))

        def _parse_create_time(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        create_time = _parse_create_time(d.pop("create_time", UNSET))

        def _parse_expire_time(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        expire_time = _parse_expire_time(d.pop("expire_time", UNSET))

        def _parse_cancel_time(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        cancel_time = _parse_cancel_time(d.pop("cancel_time", UNSET))

        def _parse_cancel_by_xai_message(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        cancel_by_xai_message = _parse_cancel_by_xai_message(d.pop("cancel_by_xai_message", UNSET))

        def _parse_state(data: object) -> BatchState | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                state_type_0 = BatchState.from_dict(data)

                return state_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(BatchState | None | Unset, data)

        state = _parse_state(d.pop("state", UNSET))

        def _parse_input_file_id(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        input_file_id = _parse_input_file_id(d.pop("input_file_id", UNSET))

        def _parse_cost_breakdown(data: object) -> BatchCostBreakdown | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                cost_breakdown_type_0 = BatchCostBreakdown.from_dict(data)

                return cost_breakdown_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(BatchCostBreakdown | None | Unset, data)

        cost_breakdown = _parse_cost_breakdown(d.pop("cost_breakdown", UNSET))

        batch = cls(
            batch_id=batch_id,
            name=name,
            create_api_key_id=create_api_key_id,
            create_time=create_time,
            expire_time=expire_time,
            cancel_time=cancel_time,
            cancel_by_xai_message=cancel_by_xai_message,
            state=state,
            input_file_id=input_file_id,
            cost_breakdown=cost_breakdown,
        )

        batch.additional_properties = d
        return batch

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
