"""Tasks that an executor works on, for one who waits for them and may be interrupted."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from queue import SimpleQueue
from types import TracebackType
from typing import Generic, Self, TypeVar, TypeVarTuple

from relufast._held_interrupt import held_interrupt

Arguments = TypeVarTuple("Arguments")
Result = TypeVar("Result")


class PendingTasks(Generic[Result]):
    """Hands out results as tasks finish, and cancels what is left at the end of its block.

    Not by `concurrent.futures.wait`, in which Ctrl-C may leave the futures locked: workers that are
    to end them then wait for ever, as does who waits for the workers.
    """

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._pending: set[Future[Result]] = set()
        self._finished: SimpleQueue[Future[Result]] = SimpleQueue()

    def __len__(self) -> int:
        return len(self._pending)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        with held_interrupt():
            for future in self._pending:
                future.cancel()

    def submit(self, function: Callable[[*Arguments], Result], *arguments: *Arguments) -> None:
        with held_interrupt():
            future = self._executor.submit(function, *arguments)
            self._pending.add(future)
            future.add_done_callback(self._finished.put)

    def next_result(self) -> Result:
        """Of the task that is finished next; there has to be one."""
        # The only wait, and none that a signal could leave half done.
        future = self._finished.get()
        with held_interrupt():
            self._pending.remove(future)
            return future.result()
