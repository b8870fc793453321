"""Serves a page on this machine alone, to those who know its address."""

from __future__ import annotations

import hmac
import logging
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qs

from ..errors import LatentvizError, OptionError

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

HOST = "127.0.0.1"
THREADS = 4  # that answer: of several pages, one waits for what is being packed for another
TOKEN_BYTES = 24
MOST_QUERY = 200  # characters
MOST_BODY = 1 << 16  # bytes; of requests that are refused
LOOP_S = 1.0  # between two looks at what has been idle for long
ANSWER_S = 2.0

HEADERS = [
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
]
_HTML, _TEXT = "text/html; charset=utf-8", "text/plain; charset=utf-8"
_BYTES = "application/octet-stream"


class Content(Protocol):
    """What is served."""

    def page(self) -> bytes:
        """The page, HTML as UTF-8."""
        ...

    def growth(self, look: str, start: int) -> bytes | None:
        """What came since; None where nothing of the kind is known.

        Args:
            look: Which page asks.
            start: How many steps it has.
        """
        ...


@dataclass(frozen=True)
class _Answer:
    status: str
    body: bytes
    kind: str = _TEXT
    more: tuple[tuple[str, str], ...] = ()


_FORBIDDEN = _Answer("403 Forbidden", b"not for you\n")
_NOT_FOUND = _Answer("404 Not Found", b"there is nothing here\n")
_NOT_ALLOWED = _Answer(
    "405 Method Not Allowed", b"only GET is answered\n", more=(("Allow", "GET, HEAD"),)
)


class Application:
    """Answers requests, by WSGI.

    What lacks the token, or asks in another host's name, as a page of somebody else's could by a
    name that leads here, is refused before anything else is looked at.
    """

    def __init__(self, content: Content, token: str, port: int) -> None:
        self._content = content
        self._start = f"/{token}/".encode()
        self._hosts = {f"{name}:{port}" for name in (HOST, "localhost")}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        answer = self._answer(environ)
        size = ("Content-Length", str(len(answer.body)))
        start_response(answer.status, [("Content-Type", answer.kind), size, *answer.more, *HEADERS])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer.body]

    def _answer(self, environ: Mapping[str, Any]) -> _Answer:
        if environ.get("HTTP_HOST", "") not in self._hosts:
            return _FORBIDDEN
        path = str(environ.get("PATH_INFO", "")).encode("latin-1")
        begin, rest = path[: len(self._start)], path[len(self._start) :]
        if not hmac.compare_digest(begin, self._start):
            return _FORBIDDEN
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return _NOT_ALLOWED
        if rest == b"":
            return _Answer("200 OK", self._content.page(), _HTML)
        if rest == b"steps":
            asked = _asked(str(environ.get("QUERY_STRING", "")))
            grown = None if asked is None else self._content.growth(*asked)
            return _NOT_FOUND if grown is None else _Answer("200 OK", grown, _BYTES)
        return _NOT_FOUND


def _asked(query: str) -> tuple[str, int] | None:
    """Which page asks, and from where on; None of another question."""
    if len(query) > MOST_QUERY:
        return None
    given = parse_qs(query)
    look, start = given.get("look", []), given.get("from", [])
    if set(given) != {"look", "from"} or len(look) != 1 or len(start) != 1:
        return None
    if not (start[0].isascii() and start[0].isdecimal()):
        return None
    return look[0], int(start[0])


class Server:
    """A server of one page; nothing of it is left after `close`.

    Attributes:
        address: Where the page is.
    """

    def __init__(self, content: Content, *, port: int = 0) -> None:
        """Listen; nothing is answered before `run`.

        Args:
            content: What is served.
            port: Where; 0 for any that is free.

        Raises:
            LatentvizError: waitress is not installed.
            OptionError: The port cannot be had.
        """
        self._application: Application | None = None
        create, self._loop, self._close_all = _waitress()
        self._is_stopped = False
        self._sockets: dict[int, Any] = {}
        try:
            self._server = create(
                self._answer,
                map=self._sockets,
                host=HOST,
                port=port,
                threads=THREADS,
                ident=None,
                max_request_body_size=MOST_BODY,
                max_request_header_size=1 << 14,
                clear_untrusted_proxy_headers=True,
            )
        except (OSError, OverflowError, ValueError) as error:
            self.close()  # its sockets and threads were there before it found out
            why = error.strerror if isinstance(error, OSError) else error
            raise OptionError(f"port {port} of {HOST} cannot be listened on: {why}") from None
        token = secrets.token_urlsafe(TOKEN_BYTES)
        port = int(self._server.effective_port)
        self._application = Application(content, token, port)
        self.address = f"http://{HOST}:{port}/{token}/"

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        assert self._application is not None  # nothing is answered before `run`
        return self._application(environ, start_response)

    def run(self) -> None:
        """Answer requests until it is interrupted, or stopped.

        Raises:
            KeyboardInterrupt: Somebody interrupted it, by Ctrl-C as a rule.
        """
        while not self._is_stopped:
            self._loop(timeout=LOOP_S, map=self._sockets, use_poll=True, count=1)

    def stop(self) -> None:
        """Have `run`, in another thread, return."""
        self._is_stopped = True
        self._server.pull_trigger()

    def close(self) -> None:
        """Let go of the port, the threads, and all that is connected; after `run`.

        What is being answered has a moment to end.
        """
        # The server is among its sockets, also where it could not be had.
        for made in list(self._sockets.values()):
            if hasattr(made, "task_dispatcher"):
                made.task_dispatcher.shutdown(timeout=ANSWER_S)
        self._close_all(self._sockets, ignore_all=True)


def check_waitress() -> None:
    """Find out before anything is done that nothing can be served.

    Raises:
        LatentvizError: waitress is not installed.
    """
    _waitress()


def _waitress() -> tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]:
    """What makes a server, what serves, and what closes all sockets.

    Raises:
        LatentvizError: It is not installed.
    """
    try:
        from waitress import create_server
        from waitress.wasyncore import close_all, loop
    except ImportError:
        raise LatentvizError(
            "a run is watched by way of waitress, which is not installed: "
            "pip install 'latentviz[watch]'"
        ) from None
    # It warns where requests wait for a moment, and of clients that go.
    logging.getLogger("waitress").setLevel(logging.ERROR)
    return create_server, loop, close_all
