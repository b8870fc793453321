"""Who is answered, and with what."""

import http.client
import socket
import threading
from urllib.parse import urlsplit

import pytest

from latentviz import OptionError
from latentviz.watching.server import HOST, Application, Server

pytest.importorskip("waitress", reason="waitress is not installed")


class Content:
    """Counts who asks."""

    def __init__(self):
        self.asked = []

    def page(self):
        self.asked.append("page")
        return b"<!doctype html>"

    def growth(self, look, start):
        self.asked.append((look, start))
        return None if look == "unknown" else b"what came since"


@pytest.fixture
def content():
    return Content()


@pytest.fixture
def server(content):
    server = Server(content)
    thread = threading.Thread(target=server.run)
    thread.start()
    yield server
    server.stop()
    thread.join(10)
    assert not thread.is_alive()
    server.close()


def ask(server, path, *, method="GET", host=None):
    """Status, headers and body; the path follows the token, unless it begins with a slash."""
    url = urlsplit(server.address)
    path = path if path.startswith("/") else url.path + path
    connection = http.client.HTTPConnection(HOST, url.port, timeout=10)
    connection.putrequest(method, path, skip_host=True)
    connection.putheader("Host", url.netloc if host is None else host.format(port=url.port))
    connection.endheaders()
    response = connection.getresponse()
    found = response.status, dict(response.getheaders()), response.read()
    connection.close()
    return found


def test_the_page_and_what_came_since(server, content):
    status, headers, body = ask(server, "")
    assert (status, body) == (200, b"<!doctype html>")
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert not {"Access-Control-Allow-Origin", "Server"} & set(headers)
    assert ask(server, "steps?look=abc&from=12")[::2] == (200, b"what came since")
    assert content.asked == ["page", ("abc", 12)]


def test_only_those_who_know_the_token(server, content):
    token = urlsplit(server.address).path.strip("/")
    assert len(token) >= 32
    for path in ("/", "/steps", f"/{token}", f"/{token[:-1]}/", f"/{token}x/", f"/x/{token}/"):
        assert ask(server, path)[0] == 403
    assert ask(server, f"/{'0' * len(token)}/steps?look=abc&from=0")[0] == 403
    assert ask(server, "/%C3%A9/")[0] == 403
    assert content.asked == []


@pytest.mark.parametrize(
    ("host", "status"),
    [
        (HOST + ":{port}", 200),
        ("localhost:{port}", 200),
        ("evil.example:{port}", 403),
        ("evil.example", 403),
        (HOST, 403),
        (HOST + ":1", 403),
        ("localhost:{port}.evil.example", 403),
        ("", 403),
    ],
)
def test_only_in_this_machines_own_name(server, content, host, status):
    assert ask(server, "", host=host)[0] == status
    assert content.asked == (["page"] if status == 200 else [])


def test_nothing_else_is_answered(server, content):
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
        status, headers, _ = ask(server, "", method=method)
        assert (status, headers["Allow"]) == (405, "GET, HEAD")
    for path in ("other", "steps/", "../", "..%2f", "steps", "steps?look=a", "steps?from=1",
                 "steps?look=a&from=-1", "steps?look=a&from=1&from=2", "steps?look=a&from=1&b=2",
                 "steps?look=a&from=%D9%A1", f"steps?look={'a' * 300}&from=1",
                 "steps?look=unknown&from=1"):  # fmt: skip
        assert ask(server, path)[0] in (403, 404), path
    assert content.asked == [("unknown", 1)]
    status, headers, body = ask(server, "", method="HEAD")
    assert (status, headers["Content-Length"], body) == (200, "15", b"")


def test_two_at_once(server, content):
    both = threading.Barrier(2, timeout=10)

    def page():
        both.wait()  # nobody gets past it alone
        return b"both"

    content.page = page
    found = []
    threads = [threading.Thread(target=lambda: found.append(ask(server, "")[2])) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert found == [b"both", b"both"]


def test_nothing_is_left_of_it(content):
    before = set(threading.enumerate())
    server = Server(content)
    port = urlsplit(server.address).port
    thread = threading.Thread(target=server.run)
    thread.start()
    idle = socket.create_connection((HOST, port), timeout=10)  # that nobody ends
    assert ask(server, "")[0] == 200
    server.stop()
    thread.join(10)
    server.close()
    assert set(threading.enumerate()) == before
    assert idle.recv(10) == b""
    idle.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((HOST, port), timeout=10)


def test_it_listens_on_this_machine_alone_and_on_a_port_of_choice(content):
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    server = Server(content, port=port)
    assert server.address.startswith(f"http://{HOST}:{port}/")
    before = set(threading.enumerate())
    with pytest.raises(OptionError, match=f"port {port} of {HOST} cannot be listened on: "):
        Server(content, port=port)
    assert set(threading.enumerate()) == before
    with socket.socket() as elsewhere:
        elsewhere.bind(("127.0.0.2", port))  # is taken where a server listens everywhere
    server.close()


def test_tokens_differ(content):
    servers = [Server(content) for _ in range(2)]
    tokens = {urlsplit(server.address).path for server in servers}
    assert len(tokens) == 2
    for server in servers:
        server.close()


def test_the_host_comes_first():
    application = Application(Content(), "token", 80)
    found = []
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/token/"}
    assert application(environ, lambda status, headers: found.append(status)) == [b"not for you\n"]
    assert found == ["403 Forbidden"]
