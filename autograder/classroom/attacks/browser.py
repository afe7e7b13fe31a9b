"""Opens pages in Chromium, to see whether they run a script."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import websocket

from autograder.classroom.attacks.hand_ins import WAS_HERE
from course.errors import CourseError

NAMES = ("chromium", "chromium-browser", "google-chrome")
SECONDS = 30.0
# What a reader may do: press whatever can be pressed and leads to no other page.
_PRESS_ALL = """
for (const element of document.querySelectorAll("a, summary, [onclick]")) {
  const target = String(element.href?.baseVal ?? element.href ?? "");
  if (element.localName !== "a" || /^\\s*javascript:/i.test(target) || element.hasAttribute("onclick"))
    element.dispatchEvent(new MouseEvent("click", {bubbles: true, cancelable: true}));
}
new Promise(done => setTimeout(() => done(document.title), 200))
"""


def find_browser() -> str | None:
    """The program; None where there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@dataclass(frozen=True)
class Browser:
    """A running browser.

    Attributes:
        port: of its DevTools (https://chromedevtools.github.io/devtools-protocol).
    """

    port: int

    @classmethod
    @contextmanager
    def started(cls, program: str) -> Iterator[Browser]:
        """Start a browser without a window, and end it.

        Raises:
            CourseError: it does not start.
        """
        with tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True) as profile:
            command = [program, "--headless=new", "--disable-gpu", f"--user-data-dir={profile}"]
            command += ["--remote-debugging-port=0", "--no-first-run", "about:blank"]
            if os.geteuid() == 0:  # Chromium's own sandbox refuses root
                command.append("--no-sandbox")
            with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
                try:
                    yield cls(_port(Path(profile, "DevToolsActivePort"), process, program))
                finally:
                    process.terminate()

    def title(self, page: str, ready: str = "true") -> str:
        """Title of a page after its scripts have run and everything on it was pressed.

        Args:
            page: its address.
            ready: a script that says whether the page has all that is to be looked at.

        Raises:
            CourseError: it is not there in time.
        """
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/json/new?about:blank", method="PUT")
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            address = json.load(answer)["webSocketDebuggerUrl"]
        connection = websocket.create_connection(address, timeout=SECONDS, suppress_origin=True)
        try:
            _call(connection, "Page.navigate", url=page)
            # JupyterLab changes the address once it has opened the file.
            there = "document.readyState === 'complete' && location.href !== 'about:blank'"
            _wait_for(connection, page, f"{there} && ({ready})")
            return str(_value(connection, _PRESS_ALL))
        finally:
            _call(connection, "Page.close")
            connection.close()

    def runs_scripts(self, page: Path) -> bool:
        """Whether one of the corpus's scripts runs in an HTML file."""
        return self.title(page.resolve().as_uri()) == WAS_HERE


def _call(connection: Any, method: str, **parameters: Any) -> dict[str, Any]:
    connection.send(json.dumps({"id": 1, "method": method, "params": parameters}))
    while True:
        message = json.loads(connection.recv())
        if message.get("id") == 1:
            result: dict[str, Any] = message.get("result", {})
            return result


def _value(connection: Any, script: str) -> Any:
    return (
        _call(connection, "Runtime.evaluate", expression=script, awaitPromise=True)
        .get("result", {})
        .get("value")
    )


def _wait_for(connection: Any, address: str, script: str) -> None:
    """Wait until a script says that a page is there. Raises CourseError after ``SECONDS``."""
    until = time.monotonic() + SECONDS
    while _value(connection, script) is not True:
        if time.monotonic() > until:
            raise CourseError(f"{address} is not loaded after {SECONDS:g} seconds")
        time.sleep(0.05)


def _port(file: Path, process: subprocess.Popen[bytes], program: str) -> int:
    """The port that the browser writes down when it is ready."""
    for _ in range(int(SECONDS * 20)):
        if file.is_file() and (text := file.read_text()):
            return int(text.split()[0])
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise CourseError(f"{program} does not start here: see `{program} --headless about:blank`")
