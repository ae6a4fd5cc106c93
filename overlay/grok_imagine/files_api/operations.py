"""What can be done with files at the service, as flows. Requests come from the generated binding, as in `binding`."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

from grok_imagine_api import contract
from grok_imagine_api.api.files import (
    create_file_public_url,
    delete_file,
    get_file,
    get_file_content,
    list_files,
    revoke_file_public_url,
)
from grok_imagine_api.models.create_file_public_url_request import CreateFilePublicUrlRequest
from grok_imagine_api.types import UNSET

from ..answers.answer import Answer, take_in
from ..answers.api_errors import api_error
from ..config import Config
from ..core.effects import Blocking, Flow, Head, Stream
from ..core.operations import check_id, is_transient, repeat
from ..core.retry import Delivery, Retries, delivery_of
from ..download.part import Part, filled
from ..errors import CreateOutcomeUnknown, GrokImagineError, NotFoundError, OutOfRange, TransportError
from ..media.upload import Upload
from ..parsing import text_at
from ..rest import Fetch, ask, check_whole, make, once, pages
from .file import File

LONGEST_ERROR = 65536
"""Bytes of an error that are taken in where a file was asked for."""


class FileFlows:
    """The flows of `client.files`; `Files` says what each does."""

    def __init__(self, retries: Retries, config: Config) -> None:
        self._retries = retries
        self._config = config

    def upload(
        self, file: object, filename: str | None, expires_after: int | timedelta | None, strict: bool
    ) -> Flow[File]:
        """Sends a file."""
        expires = _expiry(expires_after)
        body: Any = yield Blocking(lambda: Upload(file, filename, expires, strict=strict))
        request = {"method": "post", "url": "/files", "headers": body.headers, "content": body}
        try:
            return (yield from make(request, _file_of, self._retries, kind="file", name=body.filename))
        except (CreateOutcomeUnknown, TransportError) as error:
            if body.failure:  # the service got no whole file, for certain
                raise body.failure from error
            raise

    def get(self, file_id: str | File) -> Flow[File]:
        """Gets a file's facts."""
        return _file_of((yield from ask(get_file._get_kwargs(_id_of(file_id)), self._retries)))

    def list(self, limit: int | None, order: str | None, sort_by: str | None, filter: str | None) -> Fetch[File]:
        """Lists files."""
        check_whole(limit, "limit", 1, int(contract.LIMITS["page_size"].value), "x-limits.page_size")
        texts: dict[str, Any] = {"order": order, "sort_by": sort_by, "filter_": filter}
        for name, value in texts.items():
            if value is not None and not isinstance(value, str):
                raise OutOfRange(f"is a text; got {value!r}", fields=[name.rstrip("_")], section="listFiles")
        given = {name: value for name, value in {**texts, "limit": limit}.items() if value is not None}
        return pages(
            lambda token: list_files._get_kwargs(**given, pagination_token=token or UNSET),
            "data",
            File.of,
            self._retries,
        )

    def content(self, file_id: str | File) -> Flow[bytes]:
        """Downloads a file into memory."""
        sink = _Memory()
        yield from self._fetch(_id_of(file_id), sink)
        return bytes(sink.content)

    def download(self, file_id: str | File, path: str | os.PathLike[str], overwrite: bool) -> Flow[Path]:
        """Downloads a file to disk."""
        known, target = _id_of(file_id), Path(path)
        if target.is_dir():  # the name must not lead out of it, whoever gave it
            file = file_id if isinstance(file_id, File) else (yield from self.get(known))
            name = re.sub(r"[^\w. -]", "_", file.filename or "").strip(". ")
            target /= name or re.sub(r"[^\w.-]", "_", known)
        part = _Part(target, known, overwrite)
        return (yield from filled(part, lambda: self._fetch(known, _Disk(part))))

    def _fetch(self, file_id: str, sink: _Memory) -> Flow[None]:
        return repeat(lambda: self._fetch_once(file_id, sink), is_transient, self._retries)

    def _fetch_once(self, file_id: str, sink: _Memory) -> Flow[None]:
        yield Stream(get_file_content._get_kwargs(file_id), sink, keyed=True)
        if sink.answer is not None:
            status, headers = sink.answer
            answer = take_in(status, headers, bytes(sink.error), self._config.api_key)
            raise api_error(status, answer.headers, answer.body, data=answer.value)

    def delete(self, file_id: str | File) -> Flow[None]:
        """Deletes a file. A repeat that finds none has deleted it before."""
        request = delete_file._get_kwargs(_id_of(file_id))
        was_sent = False

        def attempt() -> Flow[None]:
            nonlocal was_sent
            try:
                answer = yield from once(request)
            except NotFoundError:
                if not was_sent:
                    raise
                return
            except GrokImagineError as error:
                was_sent = was_sent or delivery_of(error) is Delivery.OUTCOME_UNKNOWN
                raise
            if answer.json().get("deleted") is False:
                raise answer.unexpected("says that the file was not deleted")

        return repeat(attempt, is_transient, self._retries)

    def public_url(self, file_id: str | File, expires_after: int | timedelta | None) -> Flow[str]:
        """Makes a public URL; the same one, when it is repeated."""
        expires = _expiry(expires_after)
        body = CreateFilePublicUrlRequest(expires_after=UNSET if expires is None else expires)
        answer = yield from ask(create_file_public_url._get_kwargs(_id_of(file_id), body=body), self._retries)
        url = text_at(answer.json(), "public_url")
        if url is None:
            raise answer.unexpected("holds no public_url")
        return url

    def revoke_public_url(self, file_id: str | File) -> Flow[None]:
        """Ends a public URL."""
        yield from ask(revoke_file_public_url._get_kwargs(_id_of(file_id)), self._retries)


class _Memory:
    """Takes a file's bytes into memory.

    Attributes:
        content: The bytes.
        answer: Status and headers of an answer that is no file.
        error: What that says.
    """

    def __init__(self) -> None:
        self.content = bytearray()
        self.error = bytearray()
        self.answer: tuple[int, Any] | None = None

    def begin(self, head: Head) -> None:
        """Takes the head of an answer, from the beginning of the file."""
        self.error.clear()
        if head.headers.get("content-encoding", "identity").lower() != "identity":
            raise TransportError("the answer is compressed, though asked not to be")
        raw = [(name.encode(), value.encode()) for name, value in head.headers.items()]
        self.answer = None if head.status == 200 else (head.status, raw)
        if self.answer is None:
            self.restart()

    def write(self, chunk: bytes) -> None:
        """Takes the next chunk."""
        if self.answer is None:
            self.keep(chunk)
        elif len(self.error) < LONGEST_ERROR:
            self.error += chunk

    def restart(self) -> None:
        """Begins the file anew."""
        self.content.clear()

    def keep(self, chunk: bytes) -> None:
        """Keeps a part of the file."""
        self.content += chunk
        if len(self.content) > 2 * contract.LIMITS["file_size"].value:  # what can't have been uploaded
            raise OutOfRange(
                "is too large for memory", fields=["file_id"], instead="use `download`", section="x-limits.file_size"
            )


class _Disk(_Memory):
    """Takes a file's bytes to disk."""

    def __init__(self, part: Part) -> None:
        super().__init__()
        self._part = part

    def restart(self) -> None:
        """Begins the file anew: nothing says that what is there is a part of this one."""
        self._part.restart("", None)

    def keep(self, chunk: bytes) -> None:
        """Keeps a part of the file."""
        self._part.write(chunk)


class _Part(Part):
    """An unfinished file of any type."""

    def check_type(self) -> None:
        """Any will do."""


def _id_of(file_id: str | File) -> str:
    found = file_id.id if isinstance(file_id, File) else file_id
    check_id(found, "file_id", "getFile")
    return found


def _expiry(value: int | timedelta | None) -> int | None:
    low, high = (int(contract.LIMITS[f"storage_expiry_{end}"].value) for end in ("minimum", "maximum"))
    number = int(value.total_seconds()) if isinstance(value, timedelta) else value
    check_whole(number, "expires_after", low, high, "x-limits.storage_expiry_minimum", " of seconds")
    return number


def _file_of(answer: Answer) -> File:
    file = File.of(answer.json(), answer.headers)
    if file is None:
        raise answer.unexpected("holds no file")
    return file
