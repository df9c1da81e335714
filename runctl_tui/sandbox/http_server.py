"""A WSGI application behind a loopback port; the sandbox's clouds are served by it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from werkzeug.serving import BaseWSGIServer, make_server


class HttpServer:
    """A WSGI application behind a loopback port, served by threads; the application may come later."""

    def __init__(self) -> None:
        self.application: Callable[[dict[str, Any], Any], Any] = _not_yet
        self._server: BaseWSGIServer = make_server("127.0.0.1", 0, self._call, threaded=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """Where it can be reached."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def begin(self) -> None:
        """Start to answer."""
        self._thread.start()

    def end(self) -> None:
        """Stop to answer and free the port."""
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()

    def _call(self, environ: dict[str, Any], start_response: Any) -> Any:
        return self.application(environ, start_response)


def _not_yet(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("503 Service Unavailable", [("Content-Length", "0")])
    return []
