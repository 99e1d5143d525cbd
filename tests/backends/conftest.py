"""Every test of the backends compiles into a cache of its own."""

import pytest


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIFFSCI_CACHE_DIR", str(tmp_path_factory.mktemp("objects")))
        yield
