"""The cache on disk: whatever happens to it, programs are right, and it stays below its size."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

import diffsci as ds
from diffsci.backends.cpu import program
from diffsci.backends.cpu.version import own_version
from diffsci.native import cache, stored

X = np.linspace(0.1, 1.0, 5)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("DIFFSCI_CACHE_DIR", str(tmp_path))
    program._memory.clear()
    cache._writes.clear()
    return tmp_path


def cubes():
    """A new compiled function; the program is read from disk, if it is there."""
    program._memory.clear()
    np.testing.assert_allclose(ds.jit(lambda x: x**3 + 1.0)(X), X**3 + 1, rtol=1e-15)


def spy(monkeypatch):
    """Count compilations."""
    from diffsci.native import engine

    real, made = engine.compile_object, []
    monkeypatch.setattr(engine, "compile_object", lambda *args: made.append(1) or real(*args))
    return made


SECTIONS = {"magic": 3, "digest": 20, "size": 50, "description": 80, "code": 400, "end": -1}


@pytest.mark.parametrize("place", SECTIONS.values(), ids=SECTIONS)
def test_a_flipped_byte_anywhere_is_noticed(folder, monkeypatch, place):
    cubes()
    (entry,) = folder.iterdir()
    data = bytearray(entry.read_bytes())
    data[place] ^= 0x10
    entry.write_bytes(bytes(data))
    made = spy(monkeypatch)
    cubes()
    assert made
    made.clear()
    cubes()
    assert not made


@pytest.mark.parametrize("size", [0, 10, 30, 60, 100, 1000])
def test_a_file_that_ends_early_is_noticed(folder, monkeypatch, size):
    cubes()
    (entry,) = folder.iterdir()
    entry.write_bytes(entry.read_bytes()[:size])
    made = spy(monkeypatch)
    cubes()
    assert made


def test_another_version_of_the_compiler_has_entries_of_its_own(folder, monkeypatch):
    cubes()
    made = spy(monkeypatch)
    monkeypatch.setattr(program, "own_version", lambda: own_version() + "+")
    cubes()
    assert made
    assert len(list(folder.iterdir())) == 2


def test_good_entries_with_an_unusable_description_are_made_again(folder, monkeypatch):
    cubes()
    (entry,) = folder.iterdir()
    description, code = cache.read(entry.name)
    made = spy(monkeypatch)
    for wrong in ({"sizes": [5]}, {"imports": ["nowhere"]}, {"exports": ["program", "nothing"]}):
        cache.write(entry.name, description | wrong, code)
        made.clear()
        cubes()
        assert made
    cache.write(entry.name, {}, code)
    cubes()


def test_a_folder_that_cannot_be_written(folder, monkeypatch):
    (folder / "file").write_text("")
    monkeypatch.setenv("DIFFSCI_CACHE_DIR", str(folder / "file" / "below"))
    cubes()
    cubes()


def test_a_folder_in_the_users_home_and_one_below_the_current(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("USERPROFILE", str(folder))
    monkeypatch.chdir(folder)
    for chosen in ("~/own", "here/below"):
        monkeypatch.setenv("DIFFSCI_CACHE_DIR", chosen)
        cubes()
    assert len(list((folder / "own").iterdir())) == 1
    assert len(list((folder / "here" / "below").iterdir())) == 1
    assert not (folder / "~").exists()


def test_a_full_disk_leaves_nothing_half_written(folder, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache.os, "replace", full)
    cubes()
    assert not list(folder.iterdir())


@pytest.mark.parametrize("where", ["compile_object", "parse", "replace"])
def test_an_interrupt_leaves_nothing_broken(folder, monkeypatch, where):
    from diffsci.native import engine

    def interrupted(*_):
        raise KeyboardInterrupt

    place = {
        "compile_object": (engine, "compile_object"),
        "parse": (engine.llvm, "parse_assembly"),
        "replace": (cache.os, "replace"),
    }[where]
    function = ds.jit(lambda x: x**3 + 1.0)
    with monkeypatch.context() as patch:
        patch.setattr(*place, interrupted)
        with pytest.raises(KeyboardInterrupt):
            function(X)
    assert not list(folder.iterdir())
    np.testing.assert_allclose(function(X), X**3 + 1, rtol=1e-15)
    assert [entry.name.startswith(".") for entry in folder.iterdir()] == [False]


SCRIPT = """
import numpy as np
import diffsci as ds
for n in range(1, 12):
    x = np.linspace(0.1, 1.0, n)
    assert np.allclose(ds.jit(ds.grad(lambda x: np.sum(x**3)))(x), 3 * x**2), n
"""


def test_processes_that_compile_the_same_programs_at_once(folder):
    environment = {**os.environ, "DIFFSCI_CACHE_DIR": str(folder)}
    started = [subprocess.Popen([sys.executable, "-c", SCRIPT], env=environment) for _ in range(3)]
    assert [process.wait() for process in started] == [0, 0, 0]
    names = [entry.name for entry in folder.iterdir()]
    assert len(names) == 11
    assert not any(name.startswith(".") for name in names)


def test_what_was_used_longest_ago_goes_first(folder, monkeypatch):
    monkeypatch.setattr(cache, "_TIDY_EVERY", 1)
    monkeypatch.setenv("DIFFSCI_CACHE_BYTES", "3000")
    for k in range(4):
        cache.write(f"entry{k}", {}, bytes(800))
        os.utime(folder / f"entry{k}", (k, k))
        if k == 2:
            assert cache.read("entry0") is not None  # used again
    assert {entry.name for entry in folder.iterdir()} == {"entry0", "entry2", "entry3"}


def test_what_a_killed_process_left_is_removed(folder):
    for name, age in ((".writing-old", 1e6), (".writing-new", 0.0)):
        (folder / name).write_bytes(b"half")
        if age:
            os.utime(folder / name, (1.0, 1.0))
    cache.write("entry", {}, b"code")
    assert {entry.name for entry in folder.iterdir()} == {".writing-new", "entry"}


def test_files_of_others_are_left_alone(folder, monkeypatch):
    monkeypatch.setattr(cache, "_TIDY_EVERY", 1)
    monkeypatch.setenv("DIFFSCI_CACHE_BYTES", "3000")
    (folder / "thesis.tex").write_bytes(bytes(5000))
    os.utime(folder / "thesis.tex", (1.0, 1.0))
    (folder / "drafts").mkdir()
    for k in range(5):
        cache.write(f"entry{k}", {}, bytes(800))
    assert {"thesis.tex", "drafts", "entry3", "entry4"} <= {entry.name for entry in folder.iterdir()}
    assert cache.read("entry0") is None


def test_a_folder_that_cannot_be_listed(folder, monkeypatch):
    def refuse(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(cache.Path, "iterdir", refuse)
    cubes()


def test_a_size_that_is_no_number_is_said(folder, monkeypatch):
    monkeypatch.setenv("DIFFSCI_CACHE_BYTES", "much")
    with pytest.raises(ValueError, match="number of bytes"):
        cache.write("entry", {}, b"")


def test_functions_share_the_folder(folder):
    made = []
    for _ in range(2):
        stored.native_function(
            "shared", lambda: made.append(1) or ("define i64 @f() {\n  ret i64 7\n}\n", "f")
        )
    assert len(made) == len(list(folder.iterdir())) == 1
