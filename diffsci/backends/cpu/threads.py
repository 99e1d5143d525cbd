"""Fork and join in generated code: plain POSIX threads for one loop nest, no pool.

Nothing is shared between calls, so concurrent callers and forked processes need no care.
"""

from __future__ import annotations

from diffsci.backends.cpu.function import Function

__all__ = ["MOST_THREADS", "write_fork"]

MOST_THREADS = 64
_TASK = "{ ptr, ptr, i64, i64 }"


def write_fork() -> list[str]:
    """Return the functions ``fork(kernel, slots, units, align, threads)`` and its worker."""
    return [
        "declare i32 @pthread_create(ptr, ptr, ptr, ptr)",
        "declare i32 @pthread_join(i64, ptr)",
        _worker(),
        _fork(),
    ]


def _run(f: Function, task: str) -> None:
    fields = []
    for position, kind in enumerate(("ptr", "ptr", "i64", "i64")):
        place = f.set(f"getelementptr {_TASK}, ptr {task}, i64 0, i32 {position}")
        fields.append(f.set(f"load {kind}, ptr {place}"))
    kernel, slots, low, high = fields
    f.do(f"call void {kernel}(ptr {slots}, i64 {low}, i64 {high})")


def _ceil_div(f: Function, a: str, b: str) -> str:
    less = f.set(f"sub i64 {b}, 1")
    return f.set(f"sdiv i64 {f.set(f'add i64 {a}, {less}')}, {b}")


def _worker() -> str:
    f = Function("internal ptr @worker(ptr %task)")
    _run(f, "%task")
    return f.finish("ret ptr null")


def _fork() -> str:
    f = Function("internal void @fork(ptr %kernel, ptr %slots, i64 %units, i64 %align, i64 %wanted)")
    tasks = f.set(f"alloca [{MOST_THREADS} x {_TASK}]")
    handles = f.set(f"alloca [{MOST_THREADS} x i64]")
    started = f.set(f"alloca [{MOST_THREADS} x i32]")
    over = f.set(f"icmp sgt i64 %wanted, {MOST_THREADS}")
    threads = f.set(f"select i1 {over}, i64 {MOST_THREADS}, i64 %wanted")
    less = f.set(f"icmp slt i64 {threads}, 1")
    threads = f.set(f"select i1 {less}, i64 1, i64 {threads}")
    each = _ceil_div(f, "%units", threads)
    chunks = _ceil_div(f, each, "%align")
    size = f.set(f"mul i64 {chunks}, %align")

    def prepare(k: str, _) -> list[str]:
        task = f.set(f"getelementptr [{MOST_THREADS} x {_TASK}], ptr {tasks}, i64 0, i64 {k}")
        low = f.set(f"mul i64 {k}, {size}")
        high = f.set(f"add i64 {low}, {size}")
        bounds = []
        for value in (low, high):
            beyond = f.set(f"icmp sgt i64 {value}, %units")
            bounds.append(f.set(f"select i1 {beyond}, i64 %units, i64 {value}"))
        for position, value in enumerate(
            ("ptr %kernel", "ptr %slots", f"i64 {bounds[0]}", f"i64 {bounds[1]}")
        ):
            place = f.set(f"getelementptr {_TASK}, ptr {task}, i64 0, i32 {position}")
            f.do(f"store {value}, ptr {place}")
        flag = f.set(f"getelementptr [{MOST_THREADS} x i32], ptr {started}, i64 0, i64 {k}")
        f.do(f"store i32 1, ptr {flag}")
        some = f.set(f"icmp slt i64 {bounds[0]}, {bounds[1]}")
        other = f.set(f"icmp sgt i64 {k}, 0")
        worth = f.set(f"and i1 {some}, {other}")

        def create() -> list[str]:
            handle = f.set(f"getelementptr [{MOST_THREADS} x i64], ptr {handles}, i64 0, i64 {k}")
            failed = f.set(f"call i32 @pthread_create(ptr {handle}, ptr null, ptr @worker, ptr {task})")
            f.do(f"store i32 {failed}, ptr {flag}")
            return []

        f.when(worth, [], create)
        return []

    f.loop("0", threads, 1, [], prepare)

    def complete(k: str, _) -> list[str]:
        flag = f.set(f"getelementptr [{MOST_THREADS} x i32], ptr {started}, i64 0, i64 {k}")
        here = f.set(f"icmp ne i32 {f.set(f'load i32, ptr {flag}')}, 0")

        def run() -> list[str]:
            _run(f, f.set(f"getelementptr [{MOST_THREADS} x {_TASK}], ptr {tasks}, i64 0, i64 {k}"))
            return []

        f.when(here, [], run)
        return []

    def join(k: str, _) -> list[str]:
        flag = f.set(f"getelementptr [{MOST_THREADS} x i32], ptr {started}, i64 0, i64 {k}")
        there = f.set(f"icmp eq i32 {f.set(f'load i32, ptr {flag}')}, 0")

        def wait() -> list[str]:
            handle = f.set(f"getelementptr [{MOST_THREADS} x i64], ptr {handles}, i64 0, i64 {k}")
            f.do(f"call i32 @pthread_join(i64 {f.set(f'load i64, ptr {handle}')}, ptr null)")
            return []

        f.when(there, [], wait)
        return []

    f.loop("0", threads, 1, [], complete)
    f.loop("0", threads, 1, [], join)
    return f.finish()
