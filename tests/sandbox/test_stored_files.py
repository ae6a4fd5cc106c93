"""The sandbox's files as the wire has them (register, Files)."""

import contextlib
import io
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from grok_imagine_sandbox.multipart import Part, boundary_of, parts


def picture() -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (32, 32), "red").save(data, "PNG")
    return data.getvalue()


PNG = picture()


def upload(remote: Any, *fields: tuple[str, Any]) -> Any:
    """Parts in their order; httpx puts what it is given as data before the files."""
    return remote.http.post("/files", files=list(fields))


def text(name: str, value: str) -> tuple[str, Any]:
    return name, (None, value)


FILE = ("file", ("a.txt", b"seventeen bytes !", "text/plain"))


def test_an_upload_is_as_recorded(remote: Any) -> None:
    told = upload(remote, text("purpose", "x"), FILE).json()
    assert re.fullmatch(r"file_[0-9a-f-]{36}", told.pop("id")) and isinstance(told.pop("created_at"), int)
    assert told == {"bytes": 17, "expires_at": None, "filename": "a.txt", "object": "file", "purpose": ""}


@pytest.mark.parametrize(
    ("fields", "text_"),
    [
        ((FILE, text("expires_after", "3600")), "`expires_after` must come before `file`."),
        ((text("expires_after", "3599"), FILE), "between 3600 and 2592000"),
        ((text("expires_after", "x"), FILE), "between 3600 and 2592000"),
        ((text("expires_after", "3600"),), "Missing field `file`."),
    ],
)
def test_the_order_and_the_range_are_held(remote: Any, fields: Any, text_: str) -> None:
    response = upload(remote, *fields)
    assert response.status_code == 400 and text_ in response.json()["error"]


def test_both_forms_of_an_expiry_are_taken(run: Any) -> None:
    with run() as remote:
        for fields in (
            [text("expires_after", "3600")],
            [text("expires_after[anchor]", "created_at"), text("expires_after[seconds]", "3600")],
        ):
            told = upload(remote, *fields, FILE).json()
            assert told["expires_at"] - told["created_at"] == 3600
        remote.clock.now += 3601
        assert remote.http.get(f"/files/{told['id']}").status_code == 404
        assert remote.http.get("/files").json() == {"data": [], "pagination_token": None}


def test_what_is_too_large_or_no_form_is_refused(remote: Any) -> None:
    assert upload(remote, ("file", ("a", bytes(52_428_801)))).status_code == 413
    assert remote.http.post("/files", json={}).status_code == 415
    odd = {"content-type": "multipart/form-data; boundary=x"}
    assert remote.http.post("/files", content=b"nothing", headers=odd).status_code == 400


def test_deleting_ends_the_file_and_its_public_url(run: Any) -> None:
    with run() as remote:
        file = upload(remote, ("file", ("a.png", PNG))).json()["id"]
        told = remote.http.post(f"/files/{file}/public-url", json={"expires_after": 3600}).json()
        assert remote.http.post(f"/files/{file}/public-url", json={}).json() == told
        assert remote.http.get(told["public_url"], headers={"authorization": ""}).content == PNG
        assert remote.http.get(f"/files/{file}").json()["public_url"] == told["public_url"]
        assert remote.http.delete(f"/files/{file}").json() == {"id": file, "deleted": True, "object": "file"}
        assert remote.http.get(told["public_url"]).status_code == 404
        for method, path in (("GET", ""), ("GET", "/content"), ("DELETE", ""), ("POST", "/public-url/revoke")):
            assert remote.http.request(method, f"/files/{file}{path}").status_code == 404


def test_a_public_url_ends_with_its_time_and_never_outlives_the_file(run: Any) -> None:
    with run() as remote:
        file = upload(remote, text("expires_after", "7200"), ("file", ("a.png", PNG))).json()
        told = remote.http.post(f"/files/{file['id']}/public-url", json={}).json()
        assert told["expires_at"] == file["expires_at"]
        remote.http.post(f"/files/{file['id']}/public-url/revoke")
        told = remote.http.post(f"/files/{file['id']}/public-url", json={"expires_after": 3600}).json()
        remote.clock.now += 3601
        assert remote.http.get(told["public_url"]).status_code == 404
        assert "public_url" not in remote.http.get(f"/files/{file['id']}").json()


def test_what_a_job_stored_is_a_file_like_others(run: Any) -> None:
    with run() as remote:
        state = remote.make(
            "/videos/generations", {"prompt": "x", "duration": 1, "storage_options": {"filename": "v.mp4"}}
        )
        file = state["video"]["file_output"]["file_id"]
        told = remote.http.get(f"/files/{file}").json()
        content = remote.http.get(f"/files/{file}/content").content
        assert (told["filename"], told["bytes"]) == ("v.mp4", len(content)) and content[4:8] == b"ftyp"
        assert [entry["id"] for entry in remote.http.get("/files").json()["data"]] == [file]
        public = remote.http.post(f"/files/{file}/public-url", json={}).json()["public_url"]
        assert remote.http.get(public).content == content
        edited = remote.make("/videos/edits", {"prompt": "x", "video": {"file_id": file}})
        assert edited["status"] == "done" and edited["video"]["duration"] == 1
        remote.http.delete(f"/files/{file}")
        assert remote.http.get(public).status_code == 404 == remote.http.get(f"/files/{file}").status_code
        gone = remote.make("/videos/edits", {"prompt": "x", "video": {"file_id": file}})
        assert gone["status"] == "failed"


def test_the_key_is_asked_for_first(remote: Any) -> None:
    for method, path in (
        ("POST", "/files"),
        ("GET", "/files"),
        ("GET", "/files/x"),
        ("POST", "/batches"),
        ("GET", "/batches/x"),
    ):
        assert remote.http.request(method, path, headers={"authorization": ""}).status_code == 401


names = st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters='"\\'), min_size=1, max_size=20)


@given(st.lists(st.tuples(names, st.none() | names, st.binary(max_size=200)), max_size=5))
def test_parts_come_back_as_they_were_put_together(told: list[tuple[str, str | None, bytes]]) -> None:
    boundary = b"b" * 40
    raw = bytearray()
    for name, filename, content in told:
        head = f'form-data; name="{name}"' + (f'; filename="{filename}"' if filename is not None else "")
        raw += b"--" + boundary + f"\r\nContent-Disposition: {head}\r\n\r\n".encode() + content + b"\r\n"
    raw += b"--" + boundary + b"--\r\n"
    expected = [Part(name, filename and filename.replace("%22", '"'), content) for name, filename, content in told]
    assert list(parts(raw, boundary)) == expected
    assert boundary_of(f'multipart/form-data; boundary="{boundary.decode()}"') == boundary


@given(st.binary(max_size=300), st.binary(min_size=1, max_size=5))
def test_any_bytes_are_parts_or_are_refused(raw: bytes, boundary: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert all(isinstance(part, Part) for part in parts(raw, boundary))
