"""The app in Debian's Chromium, before a whole stack that `trapper run` has filled with twelve photos."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Response, sync_playwright

from expert.web.open_build import BUILD
from tests.main_job.trapper import SAMPLE, Trapper

CHROMIUM = next(
    (path for path in (Path("/usr/lib/chromium/chromium"), Path("/usr/bin/chromium")) if path.is_file()), None
)
DESKTOP = (1440, 900)


@dataclass(frozen=True)
class Site:
    """The stack's address, its admin, the project of `trapper run`, and what that command printed."""

    url: str
    email: str
    password: str
    trapper: Trapper
    printed: str


@dataclass
class Watch:
    """What a page did that no page should; `allowed` are statuses that a test asks for."""

    problems: list[str] = field(default_factory=list[str])
    allowed: set[int] = field(default_factory=set[int])

    def follow(self, page: Page, url: str) -> None:
        """Notes errors of the console and of scripts, refused requests, and requests to elsewhere."""
        page.on("console", lambda message: self._console(message.type, message.text))
        page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        page.on("response", self._answer)
        page.on("request", lambda request: self._request(request.url, url))

    def _request(self, address: str, url: str) -> None:
        if not address.startswith((url, "blob:", "data:")):
            self.problems.append(f"elsewhere: {address}")

    def _console(self, kind: str, text: str) -> None:
        is_expected = any(f"status of {status}" in text for status in self.allowed)
        if kind in {"error", "warning"} and not is_expected:
            self.problems.append(f"console: {text}")

    def _answer(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.allowed:
            self.problems.append(f"{response.status}: {response.url}")


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A stack with the results of twelve photos of two cameras."""
    if CHROMIUM is None:
        pytest.skip("this machine lacks Debian's chromium")
    if not (BUILD / "index.html").is_file():
        pytest.skip("this machine lacks the built web app: make install, with a connection to the npm registry")
    place = Path(tempfile.mkdtemp(prefix="trapper web "))
    trapper = Trapper(place)
    photos = place / "card"
    for file in (f"{leaf}/IMG_{n:04}.JPG" for leaf in ("forest-edge", "river-track") for n in (1, 4, 7, 10, 13, 16)):
        (photos / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(SAMPLE / file, photos / file)
    try:
        answer = trapper("run", photos)
        assert answer.code == 0, f"{answer.text}\n{trapper.logs()}"
        status = json.loads(trapper("status", "--json").out)
        admin = json.loads(Path(status["admin_credentials_file"]).read_text("utf-8"))
        yield Site(status["urls"]["expert"], admin["email"], admin["password"], trapper, answer.text)
    finally:
        trapper("down")
        shutil.rmtree(place, ignore_errors=True)


@pytest.fixture(scope="package")
def browser(site: Site) -> Iterator[Browser]:
    """One Chromium; each test has a context of its own."""
    with sync_playwright() as playwright:
        flags = ["--no-sandbox"] if os.geteuid() == 0 else []
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield opened
        opened.close()


@pytest.fixture
def watch() -> Watch:
    """What went wrong on the page of this test."""
    return Watch()


@pytest.fixture
def page(browser: Browser, site: Site, watch: Watch) -> Iterator[Page]:
    """A page of a browser that nobody is signed in with; no test leaves an error in its console."""
    context = browser.new_context(
        base_url=site.url, viewport={"width": DESKTOP[0], "height": DESKTOP[1]}, color_scheme="light"
    )
    context.set_default_timeout(20_000)
    opened = context.new_page()
    watch.follow(opened, site.url)
    yield opened
    context.close()
    assert watch.problems == []


def sign_in(page: Page, site: Site, path: str = "/projects") -> None:
    """Signs the admin in, and opens an address."""
    page.goto(path)
    page.get_by_label("E-mail").fill(site.email)
    page.get_by_label("Password").fill(site.password)
    page.keyboard.press("Enter")
    page.get_by_role("navigation", name="Main").wait_for()


@pytest.fixture
def signed_in(page: Page, site: Site) -> Page:
    """The page, with the admin signed in."""
    sign_in(page, site)
    return page
