"""Opens pages in a browser and says what they ask for, how wide they are, and what a script finds on them."""

from __future__ import annotations

import json
import time
import urllib.request
from dataclasses import dataclass
from typing import Any

import websocket

from autograder.classroom.attacks.browser import Browser

SECONDS = 30.0


@dataclass(frozen=True)
class Visit:
    """What came of opening a page.

    Attributes:
        asked: the addresses that the page asked for, itself first.
        errors: what the browser's console says.
        found: what the script returned.
    """

    asked: tuple[str, ...]
    errors: tuple[str, ...]
    found: Any


def visit(browser: Browser, address: str, script: str, width: int = 1280, dark: bool = False) -> Visit:
    """Open a page and run a script on it until it returns something.

    Args:
        browser: a running one.
        address: of the page.
        script: JavaScript; null means that the page is not there yet.
        width: of the window in pixels.
        dark: whether the reader prefers dark pages.

    Raises:
        TimeoutError: the script returned null for half a minute.
    """
    request = urllib.request.Request(f"http://127.0.0.1:{browser.port}/json/new?about:blank", method="PUT")
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:
        socket = websocket.create_connection(
            json.load(answer)["webSocketDebuggerUrl"], timeout=SECONDS, suppress_origin=True
        )
    asked: list[str] = []
    errors: list[str] = []

    def call(method: str, **parameters: Any) -> dict[str, Any]:
        socket.send(json.dumps({"id": 1, "method": method, "params": parameters}))
        while (message := json.loads(socket.recv())).get("id") != 1:
            if message["method"] == "Network.requestWillBeSent":
                asked.append(message["params"]["request"]["url"])
            elif message["method"] == "Log.entryAdded":
                errors.append(message["params"]["entry"]["text"])
            elif message["method"] == "Runtime.exceptionThrown":
                errors.append(message["params"]["exceptionDetails"]["text"])
        result: dict[str, Any] = message.get("result", {})
        return result

    try:
        for domain in ("Network", "Log", "Runtime"):
            call(f"{domain}.enable")
        call("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        call("Emulation.setEmulatedMedia", features=[scheme])
        call("Page.navigate", url=address)
        until = time.monotonic() + SECONDS
        there = f"location.href !== 'about:blank' && document.readyState === 'complete' ? ({script}) : null"
        while True:
            shown = call("Runtime.evaluate", expression=there, returnByValue=True, awaitPromise=True)
            found = shown.get("result", {}).get("value")
            if found is not None:
                return Visit(tuple(asked), tuple(errors), found)
            if time.monotonic() > until:
                raise TimeoutError(f"{address}: {shown}")
            time.sleep(0.05)
    finally:
        call("Page.close")
        socket.close()
