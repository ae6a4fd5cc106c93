"""One request and its answer over a kept connection, within one deadline. Blocking, and safe for threads."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import closing
from typing import Any

from .. import logs
from ..answers.answer import Answer, take_in
from ..config import CONNECT_TIMEOUT, Config
from ..error_kinds import rule_of
from ..errors import GrokImagineError, NotDelivered, RequestTimeout, TransportError
from ..parsing import BLOCK, MOST_ANSWER
from ..posting.post import Post, PostCancelled
from ._library import httpx
from .failures import answer_in, broken_off, is_of, transport_error
from .http_clients import HttpClient
from .network import Deadline, Stream
from .pools import PoolTransport
from .redaction import Hidden, hiding
from .request import built, complete

LONGEST_STEPS = 10
"""Times `request_timeout` that a request lasts as a whole: an upload may be slow, but no answer comes in drops indefinitely."""

HTTP_ERROR = frozenset({"HTTPError"})


class Exchange:
    """Sends requests to a client's address, over connections of its own or those of a client that was given.

    Raises:
        ConfigurationError: The proxy can't be used.
    """

    def __init__(self, config: Config, given: HttpClient | None = None) -> None:
        self._config = config
        self._given: Any = given
        self._own = None if given is not None else PoolTransport(config.place, config, config.max_connections)

    def send(self, request: Mapping[str, Any], timeout: float | None, post: Post | None = None) -> Answer:
        """The answer to a request of the generated code.

        Args:
            request: Its arguments for the HTTP library.
            timeout: Seconds for all of it; None for the client's own, which holds for each step.
            post: The paid POST that it is.

        Raises:
            NotDelivered: Nothing was sent, for certain.
            TransportError: No whole answer came; whether the request was taken is not known.
        """
        begin = time.monotonic()
        try:
            answer = self._fetch(request, timeout, post)
        except Exception as error:
            logs.request_failed(request["method"], request["url"], error, time.monotonic() - begin)
            raise
        took = time.monotonic() - begin
        logs.request(request["method"], request["url"], answer.status_code, took, answer.candidate_id)
        return answer

    def _fetch(self, request: Mapping[str, Any], timeout: float | None, post: Post | None) -> Answer:
        step = self._config.request_timeout if timeout is None else timeout
        end = time.monotonic() + (step if timeout is not None else LONGEST_STEPS * step)
        first_byte = FirstByte(post)
        try:
            arguments = complete(self._config, request, step)
            with hiding(Hidden.QUERIES):
                if self._own:
                    status, headers, body, lost = self._fetch_by_own(self._own, arguments, first_byte, step, end)
                else:
                    status, headers, body, lost = self._fetch_by_given(self._given, arguments, first_byte, end)
            first_byte.check(status)
        except TransportError as error:
            transport_error(error, place=self._config.place)
            raise
        except GrokImagineError:
            raise
        except PostCancelled as error:
            raise NotDelivered("its caller left before it was sent") from error
        except Exception as error:
            is_told = self._given or is_of(error, HTTP_ERROR)  # what its class says of delivery counts
            is_sent = first_byte.is_sent or (False if post and not is_told else None)
            raise transport_error(error, sent=is_sent, place=self._config.place) from error
        return take_in(status, headers, body, self._config.api_key, lost)

    def _fetch_by_own(
        self, transport: PoolTransport, arguments: Mapping[str, Any], first_byte: FirstByte, step: float, end: float
    ) -> tuple[int, list[tuple[bytes, bytes]], bytes, str]:
        deadline = Deadline(step, end)
        timeouts = {
            "connect": Deadline(min(step, CONNECT_TIMEOUT), end),
            "read": deadline,
            "write": deadline,
            "pool": step,
        }
        request = built(arguments, timeout=timeouts, **first_byte.extensions)
        with closing(transport.handle_request(request)) as response:
            stream = response.extensions.get("network_stream")
            if isinstance(stream, Stream) and not stream.has_read:  # surplus of an earlier answer, read with it
                raise TransportError("what came was no answer to this request: it was there before")
            return _taken(response, first_byte.post is not None)

    def _fetch_by_given(
        self, given: Any, arguments: dict[str, Any], first_byte: FirstByte, end: float
    ) -> tuple[int, list[tuple[bytes, bytes]], bytes, str]:
        """As a client that was given sends it, which bounds each step alone; only the body is bounded as a whole."""
        if first_byte.post:  # its transport may be any, and need not say when a byte leaves
            first_byte.post.sending()
        request = given.build_request(**arguments, extensions=first_byte.extensions)
        try:
            answering = given.send(request, stream=True, follow_redirects=False)
        except Exception as error:
            answering = answer_in(error)
        with closing(answering) as response:
            return _taken(response, first_byte.post is not None, end)

    def after_fork_in_child(self) -> None:
        """In a child process: connections are the parent's, and must not be spoken on."""
        if self._own:
            self._own.drop()
            self._own = PoolTransport(self._config.place, self._config, self._config.max_connections)

    def close(self) -> None:
        """Closes the connections, unless they belong to a client that was given."""
        if self._own:
            self._own.close()


class FirstByte:
    """Sees when the first byte of a paid POST leaves, and asks it whether it still may.

    A transport or an auth flow of the caller's own may send it more than once.
    """

    __slots__ = ("_has_lost_one", "_is_open", "is_sent", "post")

    def __init__(self, post: Post | None) -> None:
        self.post = post
        # None where nobody watches: then the library's error shows it.
        self.is_sent: bool | None = None
        self._is_open = self._has_lost_one = False  # whether what was sent may have started a job that no answer tells

    @property
    def extensions(self) -> dict[str, Any]:
        """What has the HTTP library tell of each step."""
        return {} if self.post is None else {"trace": self._trace}

    @property
    def async_extensions(self) -> dict[str, Any]:
        """The same for its asynchronous client."""
        return {} if self.post is None else {"trace": self._trace_async}

    async def _trace_async(self, name: str, info: Mapping[str, Any]) -> None:
        self._trace(name, info)

    def _trace(self, name: str, info: Mapping[str, Any]) -> None:
        if name.endswith(".receive_response_headers.complete"):
            # An answer of HTTP/1.1 begins with the protocol, one of HTTP/2 with the status.
            status = next((part for part in info.get("return_value") or () if isinstance(part, int)), 0)
            self._is_open = self._is_open and rule_of(status).post == "unknown"
        if not self.post or not name.endswith(".send_request_headers.started"):
            return
        self._has_lost_one |= self._is_open
        self._is_open = info["request"].method != b"CONNECT"  # what a proxy is asked before is not meant
        if self._is_open:
            self.post.sending()
            self.is_sent = True

    def check(self, status: int) -> None:
        """Raises TransportError for a refusal that follows a POST whose own answer was lost: that one may have started a job."""
        if self._has_lost_one and not 200 <= status < 300:
            raise TransportError(f"HTTP {status} came, but it was sent before, and that may have started a job")


def _bounded(chunks: Iterable[bytes], is_paid: bool, end: float | None = None) -> tuple[bytes, str]:
    """A body that is no longer than any answer may be; and why the rest is missing, if it is a paid POST's: the id may be in it."""
    body = bytearray()
    try:
        for chunk in chunks:
            body += chunk
            if len(body) > MOST_ANSWER:
                del body[BLOCK:]
                raise TransportError(f"the answer is longer than {MOST_ANSWER >> 20} MiB")
            if end is not None and time.monotonic() > end:
                raise RequestTimeout("no whole answer in time")
    except Exception as error:
        if not is_paid:
            raise
        return bytes(body), broken_off(error)
    return bytes(body), ""


def _taken(
    response: httpx.Response, is_paid: bool, end: float | None = None
) -> tuple[int, list[tuple[bytes, bytes]], bytes, str]:
    """Status, headers and the body as it came, with what is lost of it."""
    if response.is_stream_consumed:  # a transport of the caller's own, or a recording, that has unpacked it
        headers = [(name, value) for name, value in response.headers.raw if name.lower() != b"content-encoding"]
        try:
            return response.status_code, headers, response.content, ""
        except Exception as error:  # a hook read it, and kept nothing
            if not is_paid:
                raise
            return response.status_code, headers, b"", broken_off(error)
    return response.status_code, response.headers.raw, *_bounded(response.iter_raw(), is_paid, end)
