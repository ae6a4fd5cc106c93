# Generated from openapi/grok-imagine.yaml by `make generate`. Do not edit.
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.create_file_public_url_request import CreateFilePublicUrlRequest
from ...models.error_body import ErrorBody
from ...models.file_public_url import FilePublicUrl
from ...types import Response


def _get_kwargs(
    file_id: str,
    *,
    body: CreateFilePublicUrlRequest,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/files/{file_id}/public-url".format(
            file_id=quote(str(file_id), safe=""),
        ),
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ErrorBody | FilePublicUrl | str | None:
    if response.status_code == 200:
        response_200 = FilePublicUrl.from_dict(response.json())

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

    if response.status_code == 404:
        response_404 = ErrorBody.from_dict(response.json())

        return response_404

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
) -> Response[ErrorBody | FilePublicUrl | str]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    file_id: str,
    *,
    client: AuthenticatedClient,
    body: CreateFilePublicUrlRequest,
) -> Response[ErrorBody | FilePublicUrl | str]:
    """Give a file a public URL

     One a file, of at most 50 MiB; PNG, JPEG, MP4 and PDF. It can't outlive the file. A repeated call
    gives the same URL.

    Args:
        file_id (str):
        body (CreateFilePublicUrlRequest): Body of `POST /files/{file_id}/public-url`

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | FilePublicUrl | str]
    """

    kwargs = _get_kwargs(
        file_id=file_id,
        body=body,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    file_id: str,
    *,
    client: AuthenticatedClient,
    body: CreateFilePublicUrlRequest,
) -> ErrorBody | FilePublicUrl | str | None:
    """Give a file a public URL

     One a file, of at most 50 MiB; PNG, JPEG, MP4 and PDF. It can't outlive the file. A repeated call
    gives the same URL.

    Args:
        file_id (str):
        body (CreateFilePublicUrlRequest): Body of `POST /files/{file_id}/public-url`

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | FilePublicUrl | str
    """

    return sync_detailed(
        file_id=file_id,
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    file_id: str,
    *,
    client: AuthenticatedClient,
    body: CreateFilePublicUrlRequest,
) -> Response[ErrorBody | FilePublicUrl | str]:
    """Give a file a public URL

     One a file, of at most 50 MiB; PNG, JPEG, MP4 and PDF. It can't outlive the file. A repeated call
    gives the same URL.

    Args:
        file_id (str):
        body (CreateFilePublicUrlRequest): Body of `POST /files/{file_id}/public-url`

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | FilePublicUrl | str]
    """

    kwargs = _get_kwargs(
        file_id=file_id,
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    file_id: str,
    *,
    client: AuthenticatedClient,
    body: CreateFilePublicUrlRequest,
) -> ErrorBody | FilePublicUrl | str | None:
    """Give a file a public URL

     One a file, of at most 50 MiB; PNG, JPEG, MP4 and PDF. It can't outlive the file. A repeated call
    gives the same URL.

    Args:
        file_id (str):
        body (CreateFilePublicUrlRequest): Body of `POST /files/{file_id}/public-url`

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | FilePublicUrl | str
    """

    return (
        await asyncio_detailed(
            file_id=file_id,
            client=client,
            body=body,
        )
    ).parsed
