"""Line numbers of keys, for every way TOML has of writing one."""

import tomllib

from solvers.studies.locate import key_lines, line_of

TEXT = '''# a comment with [brackets]
title = "a#b"
[states.y1]
initial = 1.0 # [x]
[time]
span = [ 0.0,
  4e7 ]
[parameters]
k1 = { value = 1.0, unit = "1/s", "b c" = {x=[1,{z=1}]} }
a.b.c = """
[fake]
x = 1
"""
[[objective]]
kind='final'
[[objective]]
  kind = "integral"
  [objective.sub]
  q = 1979-05-27T07:32:00Z
[[objective.inner]]
a=1
'''


def test_every_key_of_the_parsed_document_is_found_on_its_line():
    lines = key_lines(TEXT)
    expected = {
        ("title",): 2,
        ("states", "y1"): 3,
        ("states", "y1", "initial"): 4,
        ("time", "span"): 6,
        ("time", "span", 1): 7,
        ("parameters", "k1", "unit"): 9,
        ("parameters", "k1", "b c", "x", 1, "z"): 9,
        ("parameters", "a", "b", "c"): 10,
        ("objective", 0, "kind"): 15,
        ("objective", 1, "kind"): 17,
        ("objective", 1, "sub", "q"): 19,
        ("objective", 1, "inner", 0, "a"): 21,
    }
    assert {path: lines[path] for path in expected} == expected
    assert _paths(tomllib.loads(TEXT)) <= set(lines)


def test_strings_hide_what_they_contain():
    assert ("parameters", "x") not in key_lines(TEXT)


def test_an_unknown_path_falls_back_to_its_table():
    assert line_of(key_lines(TEXT), ("time", "unit")) == 5
    assert line_of(key_lines(TEXT), ("nothing",)) is None


def _paths(value, prefix=()):
    """All key paths of a parsed document."""
    if isinstance(value, dict):
        pairs = value.items()
    elif isinstance(value, list):
        pairs = enumerate(value)
    else:
        return set()
    found = set()
    for key, inner in pairs:
        found |= {(*prefix, key)} | _paths(inner, (*prefix, key))
    return found
