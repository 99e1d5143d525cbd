"""Native code: LLVM text compiled and loaded, kept on disk; and loops for the library's own algorithms.

`engine` makes object code and loads it, `cache` keeps it on disk, `stored` does both for single functions,
and `addresses` finds what they call. Loops are written in Python, see `translating`.

A family of loops is a table of names, modules and argument types. A loop is compiled when a machine needs it
for the first time. Later processes load the object code from the disk cache in milliseconds.
"""

from diffsci.native.loops import Loop, LoopFamily

__all__ = ["Loop", "LoopFamily"]
