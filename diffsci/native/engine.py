"""LLVM text -> object code -> loaded functions, by llvmlite's ORC engine.

Programs are written as they shall be: no optimisation passes run on them. Other text is `optimised` first.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import llvmlite
import llvmlite.binding as llvm

__all__ = ["Library", "compile_object", "host", "load", "optimised"]

_LOCK = threading.Lock()
if hasattr(os, "register_at_fork"):  # a child must not inherit LLVM in the middle of something
    os.register_at_fork(before=_LOCK.acquire, after_in_parent=_LOCK.release, after_in_child=_LOCK.release)


@functools.cache
def host() -> tuple[str, str, str]:
    """Return the processor's name, its features, and the llvmlite version."""
    return llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten(), llvmlite.__version__


@functools.cache
def _machine(level: int):
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    name, features, _ = host()
    target = llvm.Target.from_default_triple()
    return target.create_target_machine(
        cpu=name, features=features, opt=level, reloc="pic", codemodel="small", jit=True
    )


@functools.cache
def _engine():
    _machine(2)
    return llvm.create_lljit_compiler(use_jit_link=True)


def compile_object(text: str, level: int = 2) -> bytes:
    """Return the object code of a module, generated at a level of optimisation from 0 to 3."""
    with _LOCK:
        machine = _machine(level)
        module = llvm.parse_assembly(text)
        return machine.emit_object(module)


def optimised(text: str) -> str:
    """Return the text of a module after LLVM's usual passes."""
    with _LOCK:
        machine = _machine(2)
        module = llvm.parse_assembly(text)
        module.verify()
        builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=2))
        builder.getModulePassManager().run(module, builder)
        return str(module)


@dataclass(eq=False)
class Library:
    """Loaded object code; the functions live as long as this object."""

    tracker: Any
    addresses: dict[str, int]


_count = 0


def load(codes: list[bytes], imports: Mapping[str, int], exports: list[str]) -> Library:
    """Link pieces of object code into the process, as one library.

    Parameters
    ----------
    codes : list of bytes
    imports : mapping
        The functions that the code calls, and their addresses.
    exports : list of str
        The functions that are called from outside.
    """
    global _count
    with _LOCK:
        builder = llvm.JITLibraryBuilder()
        for code in codes:
            builder.add_object_img(code)
        for name, place in imports.items():
            builder.import_symbol(name, place)
        for name in exports:
            builder.export_symbol(name)
        _count += 1
        tracker = builder.link(_engine(), f"diffsci{_count}")
        return Library(tracker, {name: tracker[name] for name in exports})
