"""Benchmark tables: targets are judged, the page keeps the sections that were not measured."""

import sys

import pytest

from benchmarks import __main__ as command
from benchmarks.report import Row, Table, markdown, quantity, terminal, write_page
from benchmarks.timing import interleaved, process_seconds, versions


def sample(group="speed", seconds=2e-3):
    table = Table(group, f"About {group}")
    table.add("ours", seconds, target=1e-3)
    table.add("ratio", 0.2, "", target=0.5, note="of the peer")
    table.missing("peer")
    return table


def test_targets():
    slow, ratio, missing = sample().rows
    assert (slow.met, ratio.met, missing.met) == (False, True, None)
    assert Row("digits", 9.0, "", target=8.0, at_least=True).met
    assert Row("not measured", None, target=1.0).met is False
    assert slow.verdict == "<= 1 ms: MISSED"


def test_quantities():
    assert quantity(1.5, "s") == "1.5 s"
    assert quantity(2.5e-3, "s") == "2.5 ms"
    assert quantity(3.2e-6, "s") == "3.2 µs"
    assert quantity(4e-9, "s") == "4 ns"
    assert quantity(33.64, "GB/s") == "33.6 GB/s"


def test_texts():
    assert "not installed" in terminal(sample())
    assert "of the peer" in terminal(sample())
    assert "`python -m benchmarks speed`" in markdown(sample())


def test_page_keeps_other_sections(tmp_path):
    page = tmp_path / "docs" / "performance.md"
    write_page([sample("speed"), sample("memory", 3e-3)], page)
    write_page([sample("speed", 5e-3)], page)
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# Performance")
    assert "5 ms" in text
    assert "3 ms" in text
    assert "2 ms" not in text
    assert text.count("<!-- begin speed -->") == 1


def test_contestants_take_turns():
    order = []
    times = interleaved(
        {"a": lambda: order.append("a"), "b": lambda: order.append("b")}, repeats=3, sample=1e-5
    )
    assert set(times) == {"a", "b"}
    assert all(seconds > 0 for seconds in times.values())
    assert "".join(order).count("ab") >= 3


def test_versions_and_processes():
    assert versions()["python"].startswith("3.")
    with pytest.raises(RuntimeError, match="exited with 3"):
        process_seconds([sys.executable, "-c", "raise SystemExit(3)"])


@pytest.mark.parametrize("seconds", [5e-4, 2e-3])
def test_what_was_not_measured_is_told(seconds, monkeypatch, capsys):
    group = type("Group", (), {"measure": staticmethod(lambda threads: sample(seconds=seconds))})
    monkeypatch.setattr(command, "import_module", lambda name: group)
    monkeypatch.setattr(command, "define_threads", lambda threads: 1)
    code = command.main(["sparse", "--no-page"])
    printed = capsys.readouterr().out
    assert "not measured, nor held to their targets:\n  speed: peer, not installed" in printed
    assert code == (seconds > 1e-3)
    assert ("all other targets met" in printed) == (code == 0)
    assert ("targets missed:\n  speed: ours" in printed) == (code == 1)
    assert "all targets met" not in printed


def test_unknown_group_is_refused(capsys):
    with pytest.raises(SystemExit):
        command.main(["speeed"])
    assert "unknown group 'speeed'" in capsys.readouterr().err


def test_picture_reads_the_ratios_of_the_page(tmp_path):
    from benchmarks import picture

    table = Table("speed", "About speed")
    table.add("diffsci / JAX", 0.25, "")
    table.add("value: diffsci / CasADi + CVODES", 0.5, "", target=1.0)
    table.add("Pleiades: value, diffsci / SciPy", 2.0, "")
    table.add("ours / theirs, in seconds", 2.0)
    page = tmp_path / "performance.md"
    write_page([table], page)
    found = picture.ratios(page.read_text(encoding="utf-8"))
    assert [(r.workload, r.peer, r.value) for r in found] == [
        ("speed", "JAX", 0.25),
        ("speed: value", "CasADi", 0.5),
        ("speed: Pleiades: value", "SciPy", 2.0),
    ]
    picture.redraw(page, tmp_path / "images" / "performance.png")
    assert (tmp_path / "images" / "performance.png").stat().st_size > 5000
