"""The tutorial names what is on the screen: each bold word of it is a text of the app."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TUTORIAL = ROOT / "docs" / "first-day.md"
TEXTS = ROOT / "web" / "src" / "base" / "messages" / "en.ts"


def test_every_bold_word_of_the_tutorial_is_a_text_of_the_app() -> None:
    bold = set(re.findall(r"\*\*([^*]+)\*\*", TUTORIAL.read_text("utf-8").replace("\n", " ")))
    texts = set(re.findall(r'"([^"\n]+)"', TEXTS.read_text("utf-8")))
    assert len(bold) > 20
    assert bold - texts == set()
