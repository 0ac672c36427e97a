"""Settings of the portal that would make it spin, or keep nothing, are refused when they are read."""

from pathlib import Path

import pytest

from gateway.config import load
from gateway.errors import BadConfig
from portal.settings import PortalSettings


@pytest.mark.parametrize(
    "line",
    [
        "mail.retry_first_s=0",
        "mail.retry_last_s=0",
        "mail.timeout_s=0",
        "mail.kept_days=0",
        "mail.port=70000",
        "files.lse_days=-1",
        "orders.attempts=101",
    ],
)
def test_a_setting_that_would_make_the_portal_spin_or_keep_nothing_is_refused(tmp_path: Path, line: str) -> None:
    path = tmp_path / "portal.toml"
    path.write_text("", encoding="utf-8")
    with pytest.raises(BadConfig, match=line.partition("=")[0].replace(".", r"\.")):
        load(path, [f"portal.{line}"]).section("portal", PortalSettings)
