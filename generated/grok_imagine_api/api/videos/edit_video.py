# Generated from openapi/grok-imagine.yaml by `make generate`. Do not edit.
from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.edit_video_request import EditVideoRequest
from ...models.error_body import ErrorBody
from ...models.start_deferred_response import StartDeferredResponse
from ...types import Response


def _get_kwargs(
    *,
    body: EditVideoRequest,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/videos/edits",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ErrorBody | StartDeferredResponse | str | None:
    if response.status_code == 200:
        response_200 = StartDeferredResponse.from_dict(response.json())

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
) -> Response[ErrorBody | StartDeferredResponse | str]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: EditVideoRequest,
) -> Response[ErrorBody | StartDeferredResponse | str]:
    """Start an edit of an existing video

     The result keeps the input's length (at most 8.7 s), aspect ratio and resolution (at most 720p).
    `duration`, `aspect_ratio` and `resolution` do not exist here; the service ignores them if sent.

    Args:
        body (EditVideoRequest): Body of `POST /videos/edits`

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | StartDeferredResponse | str]
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
    body: EditVideoRequest,
) -> ErrorBody | StartDeferredResponse | str | None:
    """Start an edit of an existing video

     The result keeps the input's length (at most 8.7 s), aspect ratio and resolution (at most 720p).
    `duration`, `aspect_ratio` and `resolution` do not exist here; the service ignores them if sent.

    Args:
        body (EditVideoRequest): Body of `POST /videos/edits`

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | StartDeferredResponse | str
    """

    return sync_detailed(
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: EditVideoRequest,
) -> Response[ErrorBody | StartDeferredResponse | str]:
    """Start an edit of an existing video

     The result keeps the input's length (at most 8.7 s), aspect ratio and resolution (at most 720p).
    `duration`, `aspect_ratio` and `resolution` do not exist here; the service ignores them if sent.

    Args:
        body (EditVideoRequest): Body of `POST /videos/edits`

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | StartDeferredResponse | str]
    """

    kwargs = _get_kwargs(
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    body: EditVideoRequest,
) -> ErrorBody | StartDeferredResponse | str | None:
    """Start an edit of an existing video

     The result keeps the input's length (at most 8.7 s), aspect ratio and resolution (at most 720p).
    `duration`, `aspect_ratio` and `resolution` do not exist here; the service ignores them if sent.

    Args:
        body (EditVideoRequest): Body of `POST /videos/edits`

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | StartDeferredResponse | str
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
        )
    ).parsed
