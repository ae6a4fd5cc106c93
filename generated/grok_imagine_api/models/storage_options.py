# Generated from openapi/grok-imagine.yaml by `make generate`. Do not edit.
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="StorageOptions")


@_attrs_define
class StorageOptions:
    """Keep the result in the Files API. It is charged for as long as it is kept."""

    filename: str
    """ Name of the stored file """
    expires_after: int | None | Unset = UNSET
    """ Seconds after which the file is deleted; left out, it stays """
    public_url: Any | Unset = UNSET
    """ `true`, or an object with `expires_after` in seconds (3600 to 2592000), to get a public URL as well """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        filename = self.filename

        expires_after: int | None | Unset
        if isinstance(self.expires_after, Unset):
            expires_after = UNSET
        else:
            expires_after = self.expires_after

        public_url = self.public_url

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "filename": filename,
            }
        )
        if expires_after is not UNSET:
            field_dict["expires_after"] = expires_after
        if public_url is not UNSET:
            field_dict["public_url"] = public_url

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        filename = d.pop("filename")

        def _parse_expires_after(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        expires_after = _parse_expires_after(d.pop("expires_after", UNSET))

        public_url = d.pop("public_url", UNSET)

        storage_options = cls(
            filename=filename,
            expires_after=expires_after,
            public_url=public_url,
        )

        storage_options.additional_properties = d
        return storage_options

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
