# Generated from openapi/grok-imagine.yaml by `make generate`. Do not edit.
from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.batch import Batch
from ...models.create_batch_request import CreateBatchRequest
from ...models.error_body import ErrorBody
from ...types import Response


def _get_kwargs(
    *,
    body: CreateBatchRequest,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/batches",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Batch | ErrorBody | str | None:
    if response.status_code == 200:
        response_200 = Batch.from_dict(response.json())

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
) -> Response[Batch | ErrorBody | str]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: CreateBatchRequest,
) -> Response[Batch | ErrorBody | str]:
    """Make an empty batch, or one of an uploaded file of requests

     A batch is made first and filled by `POST /batches/{batch_id}/requests`, or made with the id of a
    file that holds
    a request a line: `{"custom_id", "method": "POST", "url": "/v1/videos/generations", "body"}`. Such a
    file is read
    later: the counters are 0 at first, and one bad line cancels the batch. An empty batch costs
    nothing. A repeated
    call makes another batch; a lost answer is made up for by looking for the name in the list.

    Args:
        body (CreateBatchRequest): Body of `POST /batches`

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Batch | ErrorBody | str]
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
    body: CreateBatchRequest,
) -> Batch | ErrorBody | str | None:
    """Make an empty batch, or one of an uploaded file of requests

     A batch is made first and filled by `POST /batches/{batch_id}/requests`, or made with the id of a
    file that holds
    a request a line: `{"custom_id", "method": "POST", "url": "/v1/videos/generations", "body"}`. Such a
    file is read
    later: the counters are 0 at first, and one bad line cancels the batch. An empty batch costs
    nothing. A repeated
    call makes another batch; a lost answer is made up for by looking for the name in the list.

    Args:
        body (CreateBatchRequest): Body of `POST /batches`

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Batch | ErrorBody | str
    """

    return sync_detailed(
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: CreateBatchRequest,
) -> Response[Batch | ErrorBody | str]:
    """Make an empty batch, or one of an uploaded file of requests

     A batch is made first and filled by `POST /batches/{batch_id}/requests`, or made with the id of a
    file that holds
    a request a line: `{"custom_id", "method": "POST", "url": "/v1/videos/generations", "body"}`. Such a
    file is read
    later: the counters are 0 at first, and one bad line cancels the batch. An empty batch costs
    nothing. A repeated
    call makes another batch; a lost answer is made up for by looking for the name in the list.

    Args:
        body (CreateBatchRequest): Body of `POST /batches`

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Batch | ErrorBody | str]
    """

    kwargs = _get_kwargs(
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    body: CreateBatchRequest,
) -> Batch | ErrorBody | str | None:
    """Make an empty batch, or one of an uploaded file of requests

     A batch is made first and filled by `POST /batches/{batch_id}/requests`, or made with the id of a
    file that holds
    a request a line: `{"custom_id", "method": "POST", "url": "/v1/videos/generations", "body"}`. Such a
    file is read
    later: the counters are 0 at first, and one bad line cancels the batch. An empty batch costs
    nothing. A repeated
    call makes another batch; a lost answer is made up for by looking for the name in the list.

    Args:
        body (CreateBatchRequest): Body of `POST /batches`

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Batch | ErrorBody | str
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
        )
    ).parsed
