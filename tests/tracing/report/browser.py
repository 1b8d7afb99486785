"""Debian's Chromium, driven by selenium, without a network: what the report is tried in."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.peers.needs import need_command, need_module

FLAGS = (
    "--headless=new",
    "--no-sandbox",  # CI runs as root
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--window-size=1280,800",
)
OWN_SCHEMES = ("file", "data", "blob", "about", "chrome", "")
PATIENCE_SECONDS = 60.0


class Browser:
    """Open pages, and say what they did."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver
        offline = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
        driver.execute_cdp_cmd("Network.enable", {})
        driver.execute_cdp_cmd("Network.emulateNetworkConditions", offline)

    def open(self, page: Path, fragment: str = "") -> None:
        """Open a report, and wait until it has drawn itself."""
        self._driver.get("about:blank")
        self._driver.get(f"{page.as_uri()}#{fragment}")
        self.wait_for("return document.documentElement.dataset.opened !== undefined")

    def wait_for(self, script: str) -> None:
        """Wait until a script returns true."""
        waiting = need_module("selenium.webdriver.support.ui")
        wait = waiting.WebDriverWait(self._driver, PATIENCE_SECONDS, poll_frequency=0.02)
        wait.until(lambda driver: driver.execute_script(script))

    def ask(self, script: str, *arguments: object) -> Any:
        """Return what a script returns."""
        return self._driver.execute_script(script, *arguments)

    def click(self, selector: str) -> None:
        """Click the first element that fits, with the mouse."""
        self._driver.find_element("css selector", selector).click()

    def press(self, *keys: str) -> None:
        """Press keys, on nothing in particular."""
        actions = need_module("selenium.webdriver").ActionChains(self._driver)
        actions.send_keys(*keys).perform()

    def texts(self, selector: str) -> list[str]:
        """Return the texts of all elements that fit."""
        return list(
            self.ask(
                "return [...document.querySelectorAll(arguments[0])].map(e => e.textContent)",
                selector,
            )
        )

    def take_picture(self, path: Path) -> None:
        """Write what the window shows as a PNG."""
        assert self._driver.save_screenshot(str(path))

    @property
    def address(self) -> str:
        """Return the address that the page now stands for."""
        return str(self._driver.current_url)

    def errors(self) -> list[str]:
        """Return what the console complained of since this was last asked."""
        return [entry["message"] for entry in self._driver.get_log("browser")]

    def requests(self) -> list[str]:
        """Return what the pages asked the network for since this was last asked."""
        asked = []
        for entry in self._driver.get_log("performance"):
            told = json.loads(entry["message"])["message"]
            if told["method"] == "Network.requestWillBeSent":
                asked.append(told["params"]["request"]["url"])
        return [url for url in asked if urlsplit(url).scheme not in OWN_SCHEMES]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run a browser with a profile of its own."""
    program, driver = need_command("chromium"), need_command("chromedriver")
    need_module("selenium")
    webdriver = need_module("selenium.webdriver")
    service = need_module("selenium.webdriver.chrome.service")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        driven = webdriver.Chrome(options=options, service=service.Service(driver))
        try:
            yield Browser(driven)
        finally:
            driven.quit()
