"""What the status of a stack shows to whoever looks over a shoulder."""

from trapper_cli.status import without_passwords


def test_password_in_an_address_is_masked() -> None:
    urls = {
        "valkey": "redis://:secret@127.0.0.1:6379/0",
        "named": "redis://notifier:p%40ss@localhost:6379/0",
        "expert": "http://127.0.0.1:8000",
    }
    assert without_passwords(urls) == {
        "valkey": "redis://:***@127.0.0.1:6379/0",
        "named": "redis://notifier:***@localhost:6379/0",
        "expert": "http://127.0.0.1:8000",
    }
