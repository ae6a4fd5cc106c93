# Generated from openapi/grok-imagine.yaml by `make generate`. Do not edit.
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.batch_result_list import BatchResultList
from ...models.error_body import ErrorBody
from ...types import UNSET, Response, Unset


def _get_kwargs(
    batch_id: str,
    *,
    limit: int | Unset = UNSET,
    pagination_token: str | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["limit"] = limit

    params["pagination_token"] = pagination_token

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/batches/{batch_id}/results".format(
            batch_id=quote(str(batch_id), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> BatchResultList | ErrorBody | str | None:
    if response.status_code == 200:
        response_200 = BatchResultList.from_dict(response.json())

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
) -> Response[BatchResultList | ErrorBody | str]:
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
    limit: int | Unset = UNSET,
    pagination_token: str | Unset = UNSET,
) -> Response[BatchResultList | ErrorBody | str]:
    """List the results of a batch, a page at a time

     Sorted by id as text; readable while other requests are pending, and not after the batch has
    expired. The URL of
    a video holds for one hour: fetch it at once. Each finished request says what it cost.

    Args:
        batch_id (str):
        limit (int | Unset):
        pagination_token (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[BatchResultList | ErrorBody | str]
    """

    kwargs = _get_kwargs(
        batch_id=batch_id,
        limit=limit,
        pagination_token=pagination_token,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    batch_id: str,
    *,
    client: AuthenticatedClient,
    limit: int | Unset = UNSET,
    pagination_token: str | Unset = UNSET,
) -> BatchResultList | ErrorBody | str | None:
    """List the results of a batch, a page at a time

     Sorted by id as text; readable while other requests are pending, and not after the batch has
    expired. The URL of
    a video holds for one hour: fetch it at once. Each finished request says what it cost.

    Args:
        batch_id (str):
        limit (int | Unset):
        pagination_token (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        BatchResultList | ErrorBody | str
    """

    return sync_detailed(
        batch_id=batch_id,
        client=client,
        limit=limit,
        pagination_token=pagination_token,
    ).parsed


async def asyncio_detailed(
    batch_id: str,
    *,
    client: AuthenticatedClient,
    limit: int | Unset = UNSET,
    pagination_token: str | Unset = UNSET,
) -> Response[BatchResultList | ErrorBody | str]:
    """List the results of a batch, a page at a time

     Sorted by id as text; readable while other requests are pending, and not after the batch has
    expired. The URL of
    a video holds for one hour: fetch it at once. Each finished request says what it cost.

    Args:
        batch_id (str):
        limit (int | Unset):
        pagination_token (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[BatchResultList | ErrorBody | str]
    """

    kwargs = _get_kwargs(
        batch_id=batch_id,
        limit=limit,
        pagination_token=pagination_token,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    batch_id: str,
    *,
    client: AuthenticatedClient,
    limit: int | Unset = UNSET,
    pagination_token: str | Unset = UNSET,
) -> BatchResultList | ErrorBody | str | None:
    """List the results of a batch, a page at a time

     Sorted by id as text; readable while other requests are pending, and not after the batch has
    expired. The URL of
    a video holds for one hour: fetch it at once. Each finished request says what it cost.

    Args:
        batch_id (str):
        limit (int | Unset):
        pagination_token (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        BatchResultList | ErrorBody | str
    """

    return (
        await asyncio_detailed(
            batch_id=batch_id,
            client=client,
            limit=limit,
            pagination_token=pagination_token,
        )
    ).parsed
