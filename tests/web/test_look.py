"""Every page in light and dark: nothing serious for axe, and none wider than its window from 360 to 2,560 pixels."""

import os
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Page

pytestmark = pytest.mark.timeout(300)

AXE = Path(__file__).resolve().parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
WIDTHS = (360, 768, 2560)
SHOTS = os.environ.get("TRAPPER_SCREENSHOTS")
"""A folder that gets every page in each theme, as wide as a desktop and as a phone; `make screenshots` sets it."""
SHOT_SIZES = {"desktop": (1440, 900), "phone": (390, 844)}
_FINDINGS = """
async () => (await axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]})).violations
  .filter((each) => ["serious", "critical"].includes(each.impact))
  .map((each) => `${each.id}: ${each.nodes.map((node) => node.target.join(" ")).slice(0, 3).join(", ")}`)
"""


def _addresses(page: Page) -> dict[str, str]:
    """Every page of the app with data, by a name for its picture."""

    def first(path: str) -> dict[str, Any]:
        return page.request.get(path).json()["items"][0]

    project = first("/api/classification-projects/?name=Trapper run")["id"]
    animal = first(f"/api/observations/?classification_project_id={project}&observation_type=animal")
    at = f"/projects/{project}"
    return {
        "projects": "/projects",
        "overview": at,
        "import": f"{at}/import",
        "jobs": f"{at}/jobs",
        "job": f"{at}/jobs/{first(f'/api/ai-classification-jobs/?classification_project_id={project}')['id']}",
        "review": f"{at}/review",
        "photo": f"{at}/classify/{animal['resource_id']}",
        "occurrence": f"{at}/occurrences/{animal['occurrence_id']}",
        "settings": f"{at}/settings",
        "fleet": "/fleet",
        "not-found": "/projects/of/nobody/at/all",
    }


@pytest.fixture(scope="module")
def axe() -> str:
    if not AXE.is_file():
        reason = "axe-core is not installed: make check installs it"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return AXE.read_text("utf-8")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pages_are_accessible_and_fit_every_window(signed_in: Page, axe: str, theme: Literal["light", "dark"]) -> None:
    page = signed_in
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    problems: list[str] = []
    for name, address in _addresses(page).items():
        page.set_viewport_size({"width": 1440, "height": 900})
        page.goto(address)
        page.get_by_role("heading", level=1).wait_for()
        page.wait_for_load_state("networkidle")
        page.evaluate(axe)
        problems += [f"{name}: {finding}" for finding in page.evaluate(_FINDINGS)]
        problems += [f"{name}: wider than {width} pixels" for width in WIDTHS if not _fits(page, width)]
        _take(page, name, theme)
    assert problems == [], "\n".join(problems)


def _fits(page: Page, width: int) -> bool:
    """Whether the page is as wide as its window, once that has its new width."""
    page.set_viewport_size({"width": width, "height": 800})
    page.wait_for_function("(width) => window.innerWidth === width", arg=width)
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def _take(page: Page, name: str, theme: str) -> None:
    if SHOTS is None:
        return
    for kind, (width, height) in SHOT_SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        page.screenshot(path=Path(SHOTS) / f"{name}-{theme}-{kind}.png", full_page=name != "photo")
