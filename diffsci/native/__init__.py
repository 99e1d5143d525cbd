"""Loops of native code for the library's own algorithms: written in Python, compiled once per machine.

A family of loops is a table of names, modules and argument types. Numba compiles a loop when a machine needs
it for the first time (`diffsci.native.building`); later processes load the object code from the disk cache in
milliseconds and never import Numba.
"""

from diffsci.native.loops import Loop, LoopFamily

__all__ = ["Loop", "LoopFamily"]
