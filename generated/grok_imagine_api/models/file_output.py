# Generated from openapi/grok-imagine.yaml by `make generate`. Do not edit.
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="FileOutput")


@_attrs_define
class FileOutput:
    """A result kept in the Files API"""

    file_id: None | str | Unset = UNSET
    """ Id of the file """
    filename: None | str | Unset = UNSET
    """ Its name """
    expires_at: int | None | Unset = UNSET
    """ Unix time of its deletion """
    public_url: None | str | Unset = UNSET
    """ Its public URL, if one was asked for """
    public_url_expires_at: int | None | Unset = UNSET
    """ Unix time at which the public URL ends """
    public_url_error: None | str | Unset = UNSET
    """ Why there is no public URL """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        file_id: None | str | Unset
        if isinstance(self.file_id, Unset):
            file_id = UNSET
        else:
            file_id = self.file_id

        filename: None | str | Unset
        if isinstance(self.filename, Unset):
            filename = UNSET
        else:
            filename = self.filename

        expires_at: int | None | Unset
        if isinstance(self.expires_at, Unset):
            expires_at = UNSET
        else:
            expires_at = self.expires_at

        public_url: None | str | Unset
        if isinstance(self.public_url, Unset):
            public_url = UNSET
        else:
            public_url = self.public_url

        public_url_expires_at: int | None | Unset
        if isinstance(self.public_url_expires_at, Unset):
            public_url_expires_at = UNSET
        else:
            public_url_expires_at = self.public_url_expires_at

        public_url_error: None | str | Unset
        if isinstance(self.public_url_error, Unset):
            public_url_error = UNSET
        else:
            public_url_error = self.public_url_error

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if file_id is not UNSET:
            field_dict["file_id"] = file_id
        if filename is not UNSET:
            field_dict["filename"] = filename
        if expires_at is not UNSET:
            field_dict["expires_at"] = expires_at
        if public_url is not UNSET:
            field_dict["public_url"] = public_url
        if public_url_expires_at is not UNSET:
            field_dict["public_url_expires_at"] = public_url_expires_at
        if public_url_error is not UNSET:
            field_dict["public_url_error"] = public_url_error

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_file_id(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        file_id = _parse_file_id(d.pop("file_id", UNSET))

        def _parse_filename(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        filename = _parse_filename(d.pop("filename", UNSET))

        def _parse_expires_at(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        expires_at = _parse_expires_at(d.pop("expires_at", UNSET))

        def _parse_public_url(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        public_url = _parse_public_url(d.pop("public_url", UNSET))

        def _parse_public_url_expires_at(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        public_url_expires_at = _parse_public_url_expires_at(d.pop("public_url_expires_at", UNSET))

        def _parse_public_url_error(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        public_url_error = _parse_public_url_error(d.pop("public_url_error", UNSET))

        file_output = cls(
            file_id=file_id,
            filename=filename,
            expires_at=expires_at,
            public_url=public_url,
            public_url_expires_at=public_url_expires_at,
            public_url_error=public_url_error,
        )

        file_output.additional_properties = d
        return file_output

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
