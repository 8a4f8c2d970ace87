"""Settings: read once, strictly, the environment over the file."""

from pathlib import Path

import pytest

from exchange.settings import Settings, SettingsError, read_settings, write_settings


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path.resolve(), port=9100, demo=True, gateway='gw"\\1')
    write_settings(settings)
    assert read_settings({}, home=tmp_path) == settings


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "exchange.toml").write_text("port = 9100\n")
    assert read_settings({"EXCHANGE_PORT": "9200"}, home=tmp_path).port == 9200


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("prot = 1", "'prot' is no setting"),
        ("port = true", "port is True, needs int"),
        ('port = "８８"', "needs int"),
        ('profile = "relaxed"', "needs production or development"),
        ("port = ", "not TOML"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(tmp_path: Path, text: str, named: str) -> None:
    (tmp_path / "exchange.toml").write_text(text)
    with pytest.raises(SettingsError, match=named):
        read_settings({}, home=tmp_path)


def test_a_variable_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    assert read_settings({"EXCHANGE_REQUIRE_OPA": "1"}, home=tmp_path).port == 8800
