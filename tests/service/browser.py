"""
A browser without a screen, for tests of web pages.
"""

from __future__ import annotations

import shutil
import tempfile
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

__all__ = ["Browser", "whyNot"]

# Where there is no browser, there is perhaps no package either.
_webdriver: Any = import_module("selenium.webdriver") if find_spec("selenium") else None

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
DRIVER = "chromedriver"

OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--lang=en",
)


def _program() -> str | None:
    return next(filter(None, map(shutil.which, CHROMIUM)), None)


def whyNot() -> str | None:
    """Why there can be no browser here; None where there can be one."""
    if _webdriver is None:
        return "selenium isn't installed"
    if _program() is None:
        return f"none of {', '.join(CHROMIUM)} is installed"
    if shutil.which(DRIVER) is None:
        return f"{DRIVER} isn't installed"
    return None


class Browser:
    """
    Chromium, with a profile of its own. All methods block.
    """

    def __init__(self) -> None:
        self._profile = tempfile.mkdtemp(prefix="browser")
        options = _webdriver.ChromeOptions()
        options.binary_location = _program()
        for option in (*OPTIONS, f"--user-data-dir={self._profile}"):
            options.add_argument(option)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        service = _webdriver.ChromeService(shutil.which(DRIVER))
        self.driver: Any = _webdriver.Chrome(options=options, service=service)
        self.driver.set_page_load_timeout(30)
        self.driver.set_script_timeout(30)

    def close(self) -> None:
        """End it."""
        self.driver.quit()
        shutil.rmtree(self._profile, ignore_errors=True)

    def resize(self, width: int, height: int) -> None:
        """Have a screen of another size."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def dark(self, isDark: bool) -> None:
        """Prefer dark pages, or light ones."""
        scheme = "dark" if isDark else "light"
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def run(self, script: str) -> Any:
        """What JavaScript returns."""
        return self.driver.execute_script(script)

    def text(self, selector: str) -> str:
        """The text of the first element that fits."""
        return str(self.run(f"return document.querySelector({selector!r}).innerText"))

    def complaints(self) -> list[str]:
        """What the console has got since the last time."""
        return [f"{entry['level']}: {entry['message']}" for entry in self.driver.get_log("browser")]

    def screenshot(self, path: Path) -> None:
        """Save what is seen, as PNG."""
        self.driver.save_screenshot(str(path))
