"""A progress bar that appears only when the work takes longer than two seconds."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

PATIENCE = 2.0  # seconds


class Progress:
    """Counts units of work; silent until :func:`progress_bar` attaches a display."""

    def __init__(self, total: int, title: str):
        self.total, self.title, self.done, self.label = total, title, 0, ""
        self._display: Any = None
        self._task: Any = None
        self._lock = threading.Lock()

    def working_on(self, label: str) -> None:
        """Say what happens now."""
        self.label = label
        self._refresh()

    def advance(self) -> None:
        """Count one unit of work."""
        self.done += 1
        self._refresh()

    def attach(self, display: Any) -> None:
        """Show the state from now on."""
        with self._lock:
            self._task = display.add_task(self._description(), total=self.total, completed=self.done)
            self._display = display

    def _description(self) -> str:
        return f"{self.title}: {self.label}" if self.label else self.title

    def _refresh(self) -> None:
        with self._lock:
            if self._display is not None:
                self._display.update(self._task, completed=self.done, description=self._description())


@contextmanager
def progress_bar(total: int, title: str) -> Iterator[Progress]:
    """Count ``total`` units of work, with a bar on the terminal once `PATIENCE` is over.

    Examples
    --------
    >>> with progress_bar(2, "counting") as progress:
    ...     progress.advance()
    ...     progress.done
    1
    """
    progress = Progress(total, title)
    shown: list[Any] = []
    finished = threading.Event()

    def show() -> None:
        if finished.wait(PATIENCE):
            return
        from rich.console import Console
        from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Display

        console = Console(stderr=True)
        if not console.is_terminal:
            return
        display = Display(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        display.start()
        shown.append(display)
        progress.attach(display)

    thread = threading.Thread(target=show, daemon=True)
    thread.start()
    try:
        yield progress
    finally:
        finished.set()
        thread.join()
        for display in shown:
            display.stop()
