# Generated from openapi/grok-imagine.yaml by `make generate`. Do not edit.
from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.error_body import ErrorBody
from ...models.stored_file import StoredFile
from ...models.upload_file_request import UploadFileRequest
from ...types import Response


def _get_kwargs(
    *,
    body: UploadFileRequest,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/files",
    }

    _kwargs["files"] = body.to_multipart()

    headers["Content-Type"] = "multipart/form-data; boundary=+++"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ErrorBody | StoredFile | str | None:
    if response.status_code == 200:
        response_200 = StoredFile.from_dict(response.json())

        return response_200

    if response.status_code == 400:
        response_400 = ErrorBody.from_dict(response.json())

        return response_400

    if response.status_code == 401:
        response_401 = ErrorBody.from_dict(response.json())

        return response_401

    if response.status_code == 403:
        response_403 = ErrorBody.from_dict(response.json())

        return response_403

    if response.status_code == 413:
        response_413 = response.text
        return response_413

    if response.status_code == 415:
        response_415 = response.text
        return response_415

    if response.status_code == 422:
        response_422 = response.text
        return response_422

    if response.status_code == 429:
        response_429 = ErrorBody.from_dict(response.json())

        return response_429

    if response.status_code == 500:
        response_500 = response.text
        return response_500

    if response.status_code == 502:
        response_502 = response.text
        return response_502

    if response.status_code == 503:
        response_503 = response.text
        return response_503

    if response.status_code == 520:
        response_520 = response.text
        return response_520

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[ErrorBody | StoredFile | str]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: UploadFileRequest,
) -> Response[ErrorBody | StoredFile | str]:
    """Upload an image or a video, to be named by its id

     The id stands in place of a URL wherever an image or a video goes: PNG, JPEG, WebP or MP4. The part
    `expires_after`
    must come before `file`, else the answer is a 400; at most 50 MB, else it is a 413. A repeated call
    makes another
    file, and one without `expires_after` is kept, and charged, until it is deleted.

    Args:
        body (UploadFileRequest): Parts of `POST /files`, in this order. `file` must be there.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | StoredFile | str]
    """

    kwargs = _get_kwargs(
        body=body,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    body: UploadFileRequest,
) -> ErrorBody | StoredFile | str | None:
    """Upload an image or a video, to be named by its id

     The id stands in place of a URL wherever an image or a video goes: PNG, JPEG, WebP or MP4. The part
    `expires_after`
    must come before `file`, else the answer is a 400; at most 50 MB, else it is a 413. A repeated call
    makes another
    file, and one without `expires_after` is kept, and charged, until it is deleted.

    Args:
        body (UploadFileRequest): Parts of `POST /files`, in this order. `file` must be there.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | StoredFile | str
    """

    return sync_detailed(
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: UploadFileRequest,
) -> Response[ErrorBody | StoredFile | str]:
    """Upload an image or a video, to be named by its id

     The id stands in place of a URL wherever an image or a video goes: PNG, JPEG, WebP or MP4. The part
    `expires_after`
    must come before `file`, else the answer is a 400; at most 50 MB, else it is a 413. A repeated call
    makes another
    file, and one without `expires_after` is kept, and charged, until it is deleted.

    Args:
        body (UploadFileRequest): Parts of `POST /files`, in this order. `file` must be there.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | StoredFile | str]
    """

    kwargs = _get_kwargs(
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    body: UploadFileRequest,
) -> ErrorBody | StoredFile | str | None:
    """Upload an image or a video, to be named by its id

     The id stands in place of a URL wherever an image or a video goes: PNG, JPEG, WebP or MP4. The part
    `expires_after`
    must come before `file`, else the answer is a 400; at most 50 MB, else it is a 413. A repeated call
    makes another
    file, and one without `expires_after` is kept, and charged, until it is deleted.

    Args:
        body (UploadFileRequest): Parts of `POST /files`, in this order. `file` must be there.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | StoredFile | str
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
        )
    ).parsed
