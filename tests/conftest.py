"""Settings shared by all tests: generated cases are the same in every run, unless the full count is asked for."""

import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from cgcli.ops.table import declare_all

declare_all()  # tests that walk over the operations mean all of them
settings.register_profile("seeded", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", deadline=None, suppress_health_check=[HealthCheck.too_slow])

TASTE = ("CG_DEBUG", "COLUMNS", "FORCE_COLOR", "LC_ALL", "LINES", "NO_COLOR")
"""Variables by which a developer, or a build machine, changes what is printed."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite", action="store_true", help="write the expectations of golden files anew")


def pytest_configure(config: pytest.Config) -> None:
    thorough = config.getoption("-m") == "thorough"
    settings.load_profile("thorough" if thorough else "seeded")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else each of many hundred processes compiles cg anew
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in the background of a shell; `cg` would inherit it
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, scope="session")
def own_surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Programs and parser tables are cached in a folder of the test run; nobody's taste changes what is printed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
        for name in TASTE:
            patch.delenv(name, raising=False)
        yield
