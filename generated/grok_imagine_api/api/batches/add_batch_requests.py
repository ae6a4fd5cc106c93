# Generated from openapi/grok-imagine.yaml by `make generate`. Do not edit.
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.add_batch_requests_request import AddBatchRequestsRequest
from ...models.error_body import ErrorBody
from ...types import Response


def _get_kwargs(
    batch_id: str,
    *,
    body: AddBatchRequestsRequest,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/batches/{batch_id}/requests".format(
            batch_id=quote(str(batch_id), safe=""),
        ),
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Any | ErrorBody | str | None:
    if response.status_code == 200:
        response_200 = response.json()
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

    if response.status_code == 412:
        response_412 = ErrorBody.from_dict(response.json())

        return response_412

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
) -> Response[Any | ErrorBody | str]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    batch_id: str,
    *,
    client: AuthenticatedClient,
    body: AddBatchRequestsRequest,
) -> Response[Any | ErrorBody | str]:
    """Add requests to a batch; paid for at full price

     All of a call are added, or none. An id of your own makes the call safe to repeat: the same id with
    the same
    content is accepted and not doubled, with other content the call is refused by 412. Without one the
    service makes
    an id, and a repeated call doubles the request. The answer is JSON null.

    Args:
        batch_id (str):
        body (AddBatchRequestsRequest): Body of `POST /batches/{batch_id}/requests`; at most 25 MB

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | ErrorBody | str]
    """

    kwargs = _get_kwargs(
        batch_id=batch_id,
        body=body,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    batch_id: str,
    *,
    client: AuthenticatedClient,
    body: AddBatchRequestsRequest,
) -> Any | ErrorBody | str | None:
    """Add requests to a batch; paid for at full price

     All of a call are added, or none. An id of your own makes the call safe to repeat: the same id with
    the same
    content is accepted and not doubled, with other content the call is refused by 412. Without one the
    service makes
    an id, and a repeated call doubles the request. The answer is JSON null.

    Args:
        batch_id (str):
        body (AddBatchRequestsRequest): Body of `POST /batches/{batch_id}/requests`; at most 25 MB

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | ErrorBody | str
    """

    return sync_detailed(
        batch_id=batch_id,
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    batch_id: str,
    *,
    client: AuthenticatedClient,
    body: AddBatchRequestsRequest,
) -> Response[Any | ErrorBody | str]:
    """Add requests to a batch; paid for at full price

     All of a call are added, or none. An id of your own makes the call safe to repeat: the same id with
    the same
    content is accepted and not doubled, with other content the call is refused by 412. Without one the
    service makes
    an id, and a repeated call doubles the request. The answer is JSON null.

    Args:
        batch_id (str):
        body (AddBatchRequestsRequest): Body of `POST /batches/{batch_id}/requests`; at most 25 MB

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | ErrorBody | str]
    """

    kwargs = _get_kwargs(
        batch_id=batch_id,
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    batch_id: str,
    *,
    client: AuthenticatedClient,
    body: AddBatchRequestsRequest,
) -> Any | ErrorBody | str | None:
    """Add requests to a batch; paid for at full price

     All of a call are added, or none. An id of your own makes the call safe to repeat: the same id with
    the same
    content is accepted and not doubled, with other content the call is refused by 412. Without one the
    service makes
    an id, and a repeated call doubles the request. The answer is JSON null.

    Args:
        batch_id (str):
        body (AddBatchRequestsRequest): Body of `POST /batches/{batch_id}/requests`; at most 25 MB

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | ErrorBody | str
    """

    return (
        await asyncio_detailed(
            batch_id=batch_id,
            client=client,
            body=body,
        )
    ).parsed
