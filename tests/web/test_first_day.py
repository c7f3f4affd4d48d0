"""The first day of an ecologist: from signing in to counts that changed, by mouse, and again by keyboard only."""

import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.main_job.trapper import SAMPLE

pytestmark = pytest.mark.timeout(300)

JOB_MS = 120_000
"""How long a job of a few photos may take on a busy machine."""


def _card(place: Path, *files: str) -> Path:
    """A folder as a person drops it, of photos that no other test has sent."""
    for file in files:
        (place / "card" / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(SAMPLE / file, place / "card" / file)
    return place / "card"


def _figure(page: Page, name: str) -> Locator:
    """The number of a count on the overview."""
    return page.get_by_role("main").get_by_role("listitem").filter(has_text=name).locator("strong")


def test_first_day_by_mouse(signed_in: Page, tmp_path: Path) -> None:
    page = signed_in
    card = _card(tmp_path, "forest-edge/IMG_0002.JPG", "river-track/IMG_0002.JPG", "river-track/IMG_0017.JPG")

    page.get_by_role("button", name="New project").click()
    dialog = page.get_by_role("dialog", name="New project")
    dialog.get_by_label("Name", exact=True).fill("Oak wood")
    dialog.get_by_label("Research project").select_option(label="A new research project")
    expect(dialog.get_by_label("Detector")).to_contain_text("demo-detector")
    dialog.get_by_label("Detector").select_option(label="demo-detector 1")
    dialog.get_by_label("Species model").select_option(label="demo-species 1")
    dialog.get_by_role("button", name="Create the project").click()
    expect(page.get_by_role("heading", name="Oak wood", level=1)).to_be_visible()

    page.get_by_role("main").get_by_role("link", name="Import photos").click()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a folder").click()
    chooser.value.set_files(card)
    page.get_by_label("Deployment: card/forest-edge").fill("oak")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("The import is complete")).to_be_visible()
    expect(page.get_by_text("3 files sent")).to_be_visible()

    page.get_by_role("link", name="Watch the job").click()
    expect(page.get_by_role("row").filter(has_text="Finished")).to_be_visible(timeout=JOB_MS)
    expect(page.get_by_text("3 of 3")).to_be_visible()

    page.get_by_role("link", name="Review").click()
    page.get_by_role("main").get_by_role("link", name=re.compile("^Red deer")).first.click()
    expect(page.get_by_role("button", name=re.compile("Box 1 of 1, Red deer"))).to_be_visible()
    page.get_by_role("button", name="Approve AI").click()
    expect(page.get_by_role("button", name="Withdraw approval")).to_be_visible()

    page.get_by_role("button", name="Give feedback").click()
    page.get_by_role("button", name=re.compile("^Red deer")).first.click()
    _choose_species(page, "badger")
    page.get_by_role("button", name="Send feedback").click()
    expect(page.get_by_role("button", name=re.compile(r"Feedback \(you\)"))).to_be_visible()

    page.get_by_role("link", name="All photos", exact=True).click()
    page.get_by_role("main").get_by_role("link").filter(has_not_text="Red deer").nth(0).click()
    page.get_by_role("button", name=re.compile("^Edit a copy")).click()
    page.get_by_role("button", name="New box").click()
    _drag(page, page.get_by_role("group", name="Photo with boxes"))
    _choose_species(page, "boar")
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    page.get_by_role("button", name=re.compile("^Approve")).click()
    expect(page.get_by_role("button", name="Withdraw approval")).to_be_visible()

    page.get_by_role("link", name="Overview").click()
    expect(_figure(page, "Photos")).to_have_text("3")
    expect(_figure(page, "Approved")).to_have_text("2")
    expect(_figure(page, "By people")).to_have_text("1")
    expect(page.get_by_role("rowheader", name="Sus scrofa")).to_be_visible()


def _choose_species(page: Page, name: str) -> None:
    """Types into the species field and takes the first taxon that fits."""
    page.get_by_role("combobox", name="Species").fill(name)
    page.get_by_role("option").filter(has_text=re.compile(name, re.IGNORECASE)).first.click()


def _drag(page: Page, stage: Locator) -> None:
    """Draws a box over the upper left part of the photo."""
    box = stage.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + box["height"] * 0.4)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.6, steps=4)
    page.mouse.up()


def test_first_day_by_keyboard(signed_in: Page, tmp_path: Path) -> None:
    page = signed_in
    press = page.keyboard.press
    card = _card(tmp_path, "forest-edge/IMG_0003.JPG", "forest-edge/IMG_0012.JPG")

    _make_project_by_keyboard(page)
    _go(page, "i")
    with page.expect_file_chooser() as chooser:
        _reach(page, page.get_by_role("button", name="Choose a folder"))
        press("Enter")
    chooser.value.set_files(card)
    _reach(page, page.get_by_role("button", name="Import", exact=True))
    press("Enter")
    expect(page.get_by_text("The import is complete")).to_be_visible()

    _go(page, "j")
    expect(page.get_by_role("row").filter(has_text="Finished")).to_be_visible(timeout=JOB_MS)

    _go(page, "r")
    _reach(page, page.get_by_role("main").get_by_role("link", name=re.compile("^Red deer")).first)
    press("Enter")
    expect(page.get_by_role("button", name=re.compile("Box 1 of 1, Red deer"))).to_be_visible()
    expect(page.get_by_role("button", name="Approve AI")).to_be_visible()
    press("a")
    expect(page.get_by_role("button", name="Withdraw approval")).to_be_visible()

    press("ArrowLeft" if page.get_by_role("button", name="Next photo").is_disabled() else "ArrowRight")
    expect(page.get_by_role("button", name=re.compile("^Approve AI"))).to_be_visible()
    press("f")
    expect(page.get_by_text("You edit your own copy")).to_be_visible()
    press("n")
    press("s")
    expect(page.get_by_role("combobox", name="Species")).to_be_focused()
    press("ControlOrMeta+a")
    page.keyboard.type("wolf")
    expect(page.get_by_role("option").filter(has_text=re.compile("wolf", re.IGNORECASE))).to_be_visible()
    press("ArrowDown")
    press("Enter")
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    press("Escape")
    _leave_field(page)
    press("a")
    expect(page.get_by_role("button", name="Withdraw approval")).to_be_visible()

    _go(page, "o")
    expect(_figure(page, "Approved")).to_have_text("2")
    press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    press("Escape")


def _make_project_by_keyboard(page: Page) -> None:
    """Fills the dialog with Tab, letters and Enter."""
    _reach(page, page.get_by_role("button", name="New project"))
    page.keyboard.press("Enter")
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.type("Pine wood")
    _reach(page, page.get_by_label("Research project"))
    page.keyboard.type("A new")
    for model in ("Detector", "Species model"):
        _reach(page, page.get_by_label(model))
        page.keyboard.type("demo-")
    _reach(page, page.get_by_role("button", name="Create the project"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Pine wood", level=1)).to_be_visible()


def _go(page: Page, letter: str) -> None:
    """Goes to a page with `g` and its letter."""
    page.keyboard.press("g")
    page.keyboard.press(letter)


def _reach(page: Page, target: Locator) -> None:
    """Presses Tab until the target has the focus, as a person without a mouse does."""
    target.wait_for()
    for _ in range(80):
        if target.evaluate("(element) => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    expect(target).to_be_focused()


def _leave_field(page: Page) -> None:
    """Goes on from a text field to a button, where single letters are commands again."""
    for _ in range(10):
        if page.evaluate("document.activeElement?.tagName === 'BUTTON'"):
            return
        page.keyboard.press("Tab")
