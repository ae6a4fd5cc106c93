"""`client.files`, awaited: images and videos that are kept at the service, and named by an id wherever one goes."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from ..files_api.file import File

if TYPE_CHECKING:
    from .._wiring import ClientCore
    from ..media.upload import UploadInput
    from ..transport.aio import AsyncDriver

__all__ = ["AsyncFiles"]


class AsyncFiles:
    """`client.files`: uploads, reads, downloads and deletes files.

    Sources: the mirrors of the vendor's REST reference and guides; see Files in the register.
    """

    def __init__(self, core: ClientCore, driver: AsyncDriver) -> None:
        self._core = core
        self._driver = driver

    async def upload(
        self,
        file: UploadInput,
        *,
        filename: str | None = None,
        expires_after: int | timedelta | None = None,
        strict: bool = True,
    ) -> File:
        """Sends an image or a video; it is read while it is sent, and never in memory as a whole.

        It is sent again only if it is certain that no file was made: the service has no key by which it would know a repeat.

        Args:
            file: A `pathlib.Path`, bytes, or a binary file that can seek, read from where it stands. A str is no path.
            filename: Its name at the service; default its own.
            expires_after: Seconds or timedelta, 3600 to 2592000, after which it is deleted. Without it it is kept, and charged.
            strict: False sends any type and size, such as the JSONL of a batch.

        Raises:
            OutOfRange: It can't be read, is no PNG, JPEG, WebP or MP4, or larger than 50 MiB. Nothing was sent; but a file that
                changes while it is sent is refused too, and makes no file.
            ConfigurationError: The extra `[media]` is not installed.
            CreateOutcomeUnknown: No answer says whether the file exists.
            ApiError, NotDelivered: The request failed; there is no file.
        """
        return await self._driver.run(self._core.files.upload(file, filename, expires_after, strict))

    async def get(self, file_id: str | File) -> File:
        """Reads the facts of a file.

        Raises:
            NotFoundError: No such file, or none any more.
            ApiError, TransportError: The request failed.
        """
        return await self._driver.run(self._core.files.get(file_id))

    def list(
        self,
        *,
        limit: int | None = None,
        order: str | None = None,
        sort_by: str | None = None,
        filter: str | None = None,
    ) -> AsyncIterator[File]:
        """Goes through the team's files; a page is fetched when it is needed.

        Args:
            limit: Files of a page, 1 to 1000; the service's default is 100.
            order: `asc` or `desc`.
            sort_by: A field, such as `created_at`.
            filter: A condition, such as `public_url != null`.

        Raises:
            ApiError, TransportError: A request failed.
        """
        from ..rest import walk_async

        return walk_async(self._driver.run, self._core.files.list(limit, order, sort_by, filter))

    async def content(self, file_id: str | File) -> bytes:
        """A file's bytes, in memory. Downloads are charged by size; see x-pricing.

        It goes over a connection of its own, also where the client was given an `http_client`.

        Raises:
            NotFoundError: No such file, or none any more.
            ApiError, TransportError: The request failed.
        """
        return await self._driver.run(self._core.files.content(file_id))

    async def download(self, file_id: str | File, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Saves a file to disk. It is streamed to `<path>.part`, which is renamed when it is complete.

        Args:
            file_id: The file or its id.
            path: Where to; in a directory it gets the name it has at the service.
            overwrite: Whether a file that is there is replaced.

        Raises:
            TargetExistsError: There is a file, and `overwrite` is False.
            DownloadError: It can't be written.
            ApiError, TransportError: The request failed.
        """
        return await self._driver.run(self._core.files.download(file_id, path, overwrite))

    async def delete(self, file_id: str | File) -> None:
        """Deletes a file, and with it its public URL.

        Raises:
            NotFoundError: No such file, or none any more.
            ApiError, TransportError: The request failed.
        """
        await self._driver.run(self._core.files.delete(file_id))

    async def public_url(self, file_id: str | File, *, expires_after: int | timedelta | None = None) -> str:
        """Gives a file a public URL, or returns the one that it has.

        Args:
            file_id: The file or its id.
            expires_after: Seconds or timedelta, 3600 to 2592000; without it the URL ends with the file.

        Raises:
            ApiError, TransportError: The request failed.
        """
        return await self._driver.run(self._core.files.public_url(file_id, expires_after))

    async def revoke_public_url(self, file_id: str | File) -> None:
        """Ends a file's public URL; the file stays.

        Raises:
            ApiError, TransportError: The request failed.
        """
        await self._driver.run(self._core.files.revoke_public_url(file_id))
