"""Every literal body of the service, of spring and of autumn, through the binding and both clients to what it means."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

import grok_imagine
from grok_imagine import GrokImagineError, Job, Video
from grok_imagine_api.api.video_models import get_video_model, list_video_models
from grok_imagine_api.api.videos import generate_video, get_video
from grok_imagine_api.client import AuthenticatedClient
from grok_imagine_api.models.error_body import ErrorBody
from grok_imagine_api.models.generate_video_request import GenerateVideoRequest
from hosts import Host, says
from literals import ALL, Told
from support import Api, ManualClock

ID = "d97415a1-5796-b7ec-379f-4e6819e08fdf"
TICKS_PER_USD = 10_000_000_000
BILLABLE = {"done", "moderated", "VideoModeratedError"}


@pytest.fixture
def host() -> Iterator[Host]:
    host = Host()
    yield host
    host.close()


def play(host: Host, told: Told) -> str:
    """Has the host answer so, and gives the address of its API."""
    is_json = told.body[:1] == "{"
    media = "content-type: " + ("application/json" if is_json else "text/plain; charset=utf-8")
    host.scripts = [says(told.status, told.body.encode(), *([media] if told.body else []))]
    return f"{host.origin}/v1"


def ask(client: Any, told: Told) -> Any:
    if told.to == "start":
        return client.video.start("x", "grok-imagine-video")
    if told.to == "look":
        return client.video.wait(ID) if told.means not in ("running", "ServerError") else client.video.get(ID)
    return client.models.list() if told.to == "models" else client.models.get("grok-imagine-video")


@pytest.mark.parametrize("told", ALL, ids=[told.name for told in ALL])
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_literal_means_what_it_says(kind: str, host: Host, clock: ManualClock, told: Told) -> None:
    api = Api(kind, clock, play(host, told))
    try:
        result = api(lambda client: ask(client, told))
    except GrokImagineError as error:
        assert type(error) is getattr(grok_imagine, told.means, None), repr(error)
        assert getattr(error, "code", None) == told.code
        assert told.text in str(error)
        cost = getattr(error, "cost_usd", None)
    else:
        cost = result.cost_usd if isinstance(result, Video) else None
        assert meaning(result) == told.means
    assert cost == (None if told.ticks is None else told.ticks / TICKS_PER_USD)


def meaning(result: Any) -> str:
    match result:
        case Video():
            return str(result.outcome)
        case Job():
            return result.request_id
        case list():
            return str(result[0].id)
    return str(result.id)


@pytest.mark.parametrize("told", [told for told in ALL if told.body], ids=[told.name for told in ALL if told.body])
def test_the_binding_reads_a_literal_whole(host: Host, told: Told) -> None:
    with AuthenticatedClient(base_url=play(host, told), token="k", raise_on_unexpected_status=False) as client:
        match told.to:
            case "start":
                body = GenerateVideoRequest.from_dict({"prompt": "x"})
                response: Any = generate_video.sync_detailed(client=client, body=body)
            case "look":
                response = get_video.sync_detailed(ID, client=client)
            case "models":
                response = list_video_models.sync_detailed(client=client)
            case "model":
                response = get_video_model.sync_detailed("grok-imagine-video", client=client)
    parsed = response.parsed
    if told.body[:1] != "{":
        assert parsed == told.body
        return
    assert parsed.to_dict() == json.loads(told.body)
    assert isinstance(parsed, ErrorBody) == (told.status >= 400)
    if told.ticks is not None:
        assert parsed.usage.cost_in_usd_ticks == told.ticks


def test_the_literals_are_of_both_eras_and_tell_costs() -> None:
    names = [told.name for told in ALL]
    assert len(set(names)) == len(names) > 90
    assert {told.means for told in ALL if told.ticks is not None} == BILLABLE
    assert len({told.ticks for told in ALL}) > 6
