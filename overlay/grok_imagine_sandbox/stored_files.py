"""The Files API: uploaded files, and files that jobs stored by `storage_options` (register, Files)."""

import hashlib
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .answers import OVERLOADED, TOO_LARGE, Refusal, excerpt, plain
from .inputs import InputFailure
from .jobs import Job, uuid_like
from .multipart import Part, boundary_of, parts
from .origins import current_origin
from .pages import page
from .shared import Endpoint, Shared

PUBLIC = "/files-cdn/uploads/"
_NOT_MULTIPART = plain(415, "Expected request with `Content-Type: multipart/form-data`")
_MOST_FILES = 10_000
_LONGEST_NAME = 255
_FILTER = "public_url != null"
_SUFFIXES = ("png", "jpg", "jpeg", "mp4", "pdf", "webp")


@dataclass
class Upload:
    """An uploaded file. Times are simulated seconds."""

    id: str
    number: int
    filename: str
    content: bytes
    created: float
    expires: float | None
    public: tuple[str, float | None] | None = None
    """The public URL's token, and its expiry if that is before the file's."""

    def has_ended(self, now: float) -> bool:
        """Whether it has expired."""
        return self.expires is not None and now >= self.expires


class StoredFiles:
    """The endpoints of files, and the files.

    Args:
        shared: The parts that all endpoints share.
        origin: Scheme, host and port of the sandbox.
    """

    def __init__(self, shared: Shared, origin: str) -> None:
        self._shared = shared
        self._contract = shared.contract
        self._origin = origin
        self._uploads: dict[str, Upload] = {}
        self._gone: dict[str, None] = {}
        self._number = self._bytes = 0

    def routes(self) -> list[Route]:
        """The routes of the endpoints."""
        handlers: dict[str, tuple[str, Endpoint]] = {
            "uploadFile": ("POST", self._upload),
            "listFiles": ("GET", self._list),
            "getFile": ("GET", self._get),
            "deleteFile": ("DELETE", self._delete),
            "getFileContent": ("GET", self._content),
            "createFilePublicUrl": ("POST", self._publish),
            "revokeFilePublicUrl": ("POST", self._revoke),
        }
        routes = [
            Route(
                self._contract.prefix + self._contract.path(name), self._shared.front(method, handler), methods=[method]
            )
            for name, (method, handler) in handlers.items()
        ]
        return [*routes, Route(PUBLIC + "{token}/{name}", self._serve, methods=["GET"])]

    def read(self, file_id: str) -> bytes | None:
        """The content of a file as a job's input; None for an unknown id. May render: belongs into a worker thread.

        Raises:
            InputFailure: The file was deleted or has expired.
        """
        upload, job = self._uploads.get(file_id), self._job(file_id)
        if file_id in self._gone or (upload is not None and upload.has_ended(self._shared.now())):
            raise InputFailure(f"File {excerpt(file_id)} not found.")
        if upload is not None:
            return upload.content
        return self._shared.files.content(job.plan.product) if job is not None and job.plan is not None else None

    def lines(self, file_id: str) -> bytes:
        """The content of a file of requests.

        Raises:
            Refusal: There is no such upload.
        """
        return self._known(file_id).content

    async def _upload(self, request: Request) -> Response:
        boundary = boundary_of(request.headers.get("content-type", ""))
        if boundary is None:
            raise Refusal(_NOT_MULTIPART)
        async with self._shared.intake.body(request) as raw:
            try:
                found = await self._shared.workers.check(lambda: list(parts(raw, boundary)))
            except ValueError as error:
                raise self._refused(f"Invalid multipart body: {error}.") from error
        return JSONResponse(self._described(self._keep(found)))

    def _keep(self, found: list[Part]) -> Upload:
        names = [part.name for part in found]
        if "file" not in names:
            raise self._refused("Missing field `file`.")
        at = names.index("file")
        if any(name.startswith("expires_after") for name in names[at:]):
            raise self._refused("`expires_after` must come before `file`.")
        texts = {part.name: part.content.decode("utf-8", "replace") for part in found[:at]}
        given = texts.get("expires_after", texts.get("expires_after[seconds]"))
        expires = None if given is None else self._expiry(given)
        content = found[at].content
        if len(content) > self._contract.limit("file_size"):
            raise Refusal(TOO_LARGE)
        self._forget_ended()
        full = self._bytes + len(content) > self._shared.max_bytes or len(self._uploads) >= _MOST_FILES
        if full:
            raise Refusal(OVERLOADED)
        now = self._shared.now()
        upload = Upload(
            f"file_{uuid_like(self._shared.seed, 'upload', self._number)}",
            self._number,
            (found[at].filename or "upload")[:_LONGEST_NAME],
            content,
            now,
            None if expires is None else now + expires,
        )
        self._number += 1
        self._bytes += len(content)
        self._uploads[upload.id] = upload
        return upload

    def _expiry(self, given: object) -> int:
        low, high = (int(self._contract.limit(f"storage_expiry_{end}")) for end in ("minimum", "maximum"))
        text = str(given)
        if not (text.isascii() and text.isdecimal() and len(text) < 10 and low <= int(text) <= high):
            raise self._refused(f"`expires_after` must be between {low} and {high} seconds.")
        return int(text)

    def _forget_ended(self) -> None:
        for upload in [upload for upload in self._uploads.values() if upload.has_ended(self._shared.now())]:
            self._forget(upload)

    def _forget(self, upload: Upload) -> None:
        del self._uploads[upload.id]
        self._bytes -= len(upload.content)
        self._gone[upload.id] = None
        if len(self._gone) > _MOST_FILES:
            del self._gone[next(iter(self._gone))]

    async def _list(self, request: Request) -> Response:
        asked = request.query_params
        order, filter_ = asked.get("order", "desc"), asked.get("filter", "")
        if order not in ("asc", "desc"):
            raise self._refused("`order` must be `asc` or `desc`.")
        if asked.get("sort_by", "created_at") != "created_at" or filter_ not in ("", _FILTER):
            raise self._refused(f"the sandbox sorts by `created_at` and filters by `{_FILTER}` only")
        self._forget_ended()
        entries: list[Upload | Job] = [*self._uploads.values(), *self._kept_by_jobs()]
        if filter_:
            entries = [entry for entry in entries if "public_url" in self._described(entry)]
        shown, token = page(self._contract, request, entries, self._key, descending=order == "desc")
        data = [self._described(entry) for entry in shown]
        return JSONResponse({"data": data, "pagination_token": token})

    def _key(self, entry: Upload | Job) -> tuple[float, bool, int]:
        since = entry.created if isinstance(entry, Upload) else entry.end
        return since, isinstance(entry, Upload), entry.number

    async def _get(self, request: Request) -> Response:
        entry = self._any(request)
        described = self._described(entry)
        if isinstance(entry, Job) and entry.plan is not None:
            described["bytes"] = len(await self._shared.workers.render(self._shared.files.content, entry.plan.product))
        return JSONResponse(described)

    async def _content(self, request: Request) -> Response:
        entry = self._any(request)
        if isinstance(entry, Upload):
            return Response(entry.content, media_type="application/octet-stream")
        assert entry.plan is not None
        content = await self._shared.workers.render(self._shared.files.content, entry.plan.product)
        return Response(content, media_type="application/octet-stream")

    async def _delete(self, request: Request) -> Response:
        entry = self._any(request)
        if isinstance(entry, Upload):
            file_id = entry.id
            self._forget(entry)
        else:
            file_id = _id(entry)
            self._change(entry, None)
            self._gone[file_id] = None
        return JSONResponse({"id": file_id, "deleted": True, "object": "file"})

    async def _publish(self, request: Request) -> Response:
        entry = self._any(request)
        async with self._shared.body(request) as (_, body):
            body.check(self._contract, "createFilePublicUrl")
            given = body.value.get("expires_after")
        expires, now = None if given is None else self._expiry(given), self._shared.now()
        if "public_url" not in self._described(entry):
            if isinstance(entry, Job):
                public = True if expires is None else {"expires_after": int(now - entry.end) + expires}
                self._change(entry, {**(entry.storage or {}), "public_url": public})
            else:
                token = hashlib.sha256(f"{self._shared.seed}:{entry.id}:{now}".encode()).hexdigest()[:22]
                entry.public = token, None if expires is None else now + expires
        described = self._described(entry)
        return JSONResponse(
            {"public_url": described["public_url"], "expires_at": described.get("public_url_expires_at")}
        )

    async def _revoke(self, request: Request) -> Response:
        entry = self._any(request)
        described = self._described(entry)
        if isinstance(entry, Upload):
            entry.public = None
        else:
            self._change(entry, {**(entry.storage or {}), "public_url": False})
        gone = {"public_url": described["public_url"]} if "public_url" in described else {}
        return JSONResponse({"id": described["id"], "revoked": True, **gone})

    async def _serve(self, request: Request) -> Response:
        """Serve a public URL: without a key, and with 404 after its expiry."""
        file_id = request.path_params["name"].partition(".")[0]
        upload = self._uploads.get(file_id)
        if upload is None or upload.public is None or upload.has_ended(self._shared.now()):
            return Response(status_code=404)
        token, until = upload.public
        if request.path_params["token"] != token or (until is not None and self._shared.now() >= until):
            return Response(status_code=404)
        return Response(upload.content, media_type="application/octet-stream")

    def _any(self, request: Request) -> Upload | Job:
        file_id = request.path_params["file_id"]
        return self._job(file_id) or self._known(file_id)

    def _known(self, file_id: str) -> Upload:
        upload = self._uploads.get(file_id)
        if upload is None or upload.has_ended(self._shared.now()):
            raise Refusal(self._contract.unnamed_error("not_found", "File not found."))
        return upload

    def _job(self, file_id: str) -> Job | None:
        job = self._shared.jobs.of_file(file_id.removeprefix("file_"))
        return job if job is not None and _id(job) == file_id and self._is_kept(job) else None

    def _kept_by_jobs(self) -> list[Job]:
        return [job for job in self._shared.jobs.all() if self._is_kept(job)]

    def _is_kept(self, job: Job) -> bool:
        now = self._shared.now()
        if job.storage is None or job.plan is None or job.state(now) != "done":
            return False
        return job.stored_for is None or now < job.end + job.stored_for

    def _change(self, job: Job, storage: dict[str, Any] | None) -> None:
        """Replace a job's `storage_options`; None removes the file."""
        rest = {name: value for name, value in job.order.body.items() if name != "storage_options"}
        job.order = job.order._replace(body=rest if storage is None else {**rest, "storage_options": storage})

    def _described(self, entry: Upload | Job) -> dict[str, Any]:
        """A file in the API's form. The size of a job's file is known once it is rendered."""
        if isinstance(entry, Upload):
            found = {
                "id": entry.id,
                "filename": entry.filename,
                "bytes": len(entry.content),
                "created_at": self._unix(entry.created),
                "expires_at": self._unix(entry.expires),
            }
            public = self._public(entry)
        else:
            lasts, shows = entry.stored_for, entry.public_for
            found = {
                "id": _id(entry),
                "filename": (entry.storage or {}).get("filename"),
                "bytes": None,
                "created_at": self._unix(entry.end),
                "expires_at": self._unix(None if lasts is None else entry.end + lasts),
            }
            until = None if shows is None else entry.end + shows
            has_one = entry.stored_publicly and (until is None or self._shared.now() < until)
            public = (self._shared.files.public_url(entry), until) if has_one else None
        known = {} if public is None else {"public_url": public[0], "public_url_expires_at": self._unix(public[1])}
        return {"object": "file", "purpose": "", **found, **known}

    def _public(self, upload: Upload) -> tuple[str, float | None] | None:
        if upload.public is None:
            return None
        token, until = upload.public
        if until is not None and self._shared.now() >= until:
            return None
        suffix = upload.filename.rpartition(".")[2].lower()
        ending = f".{suffix}" if suffix in _SUFFIXES else ""
        ends = [end for end in (until, upload.expires) if end is not None]  # it can't outlive the file
        return f"{current_origin(self._origin)}{PUBLIC}{token}/{upload.id}{ending}", min(ends, default=None)

    def _unix(self, seconds: float | None) -> int | None:
        return None if seconds is None else int(self._shared.epoch + seconds)

    def _refused(self, text: str) -> Refusal:
        return Refusal(self._contract.unnamed_error("bad_request", text))


def _id(job: Job) -> str:
    """The id of a job's file."""
    return f"file_{job.file_uuid}"
