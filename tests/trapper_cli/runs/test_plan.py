from datetime import datetime
from pathlib import Path

import pytest

from trapper_cli.runs.plan import DeploymentRule, deployment_key, is_overflow_folder, plan_deployments, shown_sources
from trapper_cli.runs.read_photos import PhotoContent
from trapper_cli.runs.scan import PhotoFile
from trapper_kit.pictures.read_time import TimeSource

RULE = DeploymentRule()


@pytest.mark.parametrize(
    ("folder", "deployment"),
    [
        ("CAM01/100RECNX", "CAM01"),
        ("CAM01/101RECNX", "CAM01"),
        ("CAM02/100EK113", "CAM02"),
        ("CAM03/101_BTCF", "CAM03"),
        ("CAM04/DCIM/100MEDIA", "CAM04"),
        ("site/CAM05/dcim/102media", "site/CAM05"),
        ("100RECNX", ""),
        ("", ""),
        ("CAM06", "CAM06"),
        ("CAM06/day 1", "CAM06/day 1"),
        ("20230615", "20230615"),
        ("100METRE", "100METRE"),
        ("000RECNX", "000RECNX"),
    ],
)
def test_a_camera_s_overflow_folders_belong_to_the_folder_above(folder: str, deployment: str) -> None:
    assert deployment_key(folder, RULE) == deployment


def test_a_name_or_a_level_overrides_the_rule() -> None:
    assert deployment_key("a/b/100RECNX", DeploymentRule(name="North")) == ""
    levels = [deployment_key("a/b/100RECNX", DeploymentRule(level=level)) for level in range(4)]
    assert levels == ["", "a", "a/b", "a/b/100RECNX"]


def test_only_a_whole_name_is_an_overflow_folder() -> None:
    assert is_overflow_folder("199recnx")
    assert not is_overflow_folder("100RECNX copy")
    assert not is_overflow_folder("my DCIM")


def test_the_plan_has_photos_first_and_last_time() -> None:
    photos = [PhotoFile(Path(name), name, 1) for name in ("C/100RECNX/1.jpg", "C/101RECNX/2.jpg", "C/101RECNX/3.jpg")]
    times = [datetime.fromisoformat("2023-06-15T14:30:00"), None, datetime.fromisoformat("2023-06-14T08:00:00")]
    contents = {
        photo.relative: PhotoContent("a", time, TimeSource.EXIF if time else TimeSource.NONE)
        for photo, time in zip(photos, times, strict=True)
    }
    (planned,) = plan_deployments("/media/card/DCIM", photos, contents, RULE)
    assert planned.document() == {
        "deployment": "C",
        "folders": ["C/100RECNX", "C/101RECNX"],
        "photos": 3,
        "first": "2023-06-14T08:00:00",
        "last": "2023-06-15T14:30:00",
        "without_time": 1,
        "time_sources": {"exif": 2},
    }
    assert shown_sources({"exif": 2, "filename": 1}) == "exif 2, filename 1"


def test_photos_in_the_folder_itself_take_the_name_of_the_card() -> None:
    photos = [PhotoFile(Path("1.jpg"), "1.jpg", 1)]
    names = [plan_deployments(root, photos, {}, RULE)[0].name for root in ("/media/card/DCIM/100RECNX", "/", "/DCIM")]
    assert names == ["card", "root", "root"]
    assert plan_deployments("/x", photos, {}, DeploymentRule(name="North"))[0].name == "North"
