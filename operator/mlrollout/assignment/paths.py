"""The two functions behind a feature: whether they go together, and which of their arguments is the user."""

import inspect
from array import array
from codecs import StreamReader, StreamReaderWriter
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator, Iterator, Mapping
from concurrent.futures import Future
from functools import partial
from io import IOBase
from typing import Any, TypeVar

R = TypeVar("R")

UserOf = Callable[[tuple[Any, ...], dict[str, Any]], Any]

_LAZY = (Awaitable, Future, Iterator, AsyncIterator)
"""Types of answers that do their work, and fail, only when somebody takes something out of them."""
_MADE: tuple[Iterator[object], ...] = (
    *map(iter, ([], (), "", "é", b"", bytearray(), memoryview(b""), set(), deque(), range(0), range(2**64))),
    *map(iter, ({}, {}.values(), {}.items())),
    *(reversed([]), reversed(deque()), reversed({}), reversed({}.values()), reversed({}.items())),
    *map(iter, (OrderedDict(), OrderedDict().values(), OrderedDict().items(), array("b"))),
)
_FINISHED: tuple[type, ...] = (IOBase, StreamReader, StreamReaderWriter, *map(type, _MADE))
"""Iterators all the same, but over what is there already: files, and Python's own containers."""


class LazyAnswerError(TypeError):
    """A path has answered with something that may still fail."""


class PathEndedError(RuntimeError):
    """A path has raised something that ends more than a call: an exit, or another's time-out."""


def own_errors(path: Callable[[], R]) -> R:
    """The answer of a path in a thread of ours, where an exit or a time-out can be meant for nobody but the path.

    Raises:
        PathEndedError: It raised what is no `Exception`, and no interrupt.
    """
    try:
        return path()
    except (Exception, KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:
        raise PathEndedError(f"it raised {type(error).__name__}, which is no Exception") from error


def user_of(path: Callable[..., Any], user: str | None, legacy: Callable[..., Any]) -> UserOf:
    """How to find the user's id among the arguments, or its default. Where it is missing, it is nobody's.

    Args:
        path: The function that is called.
        user: Its parameter for the id; by default, the first.
        legacy: The function beside it.

    Raises:
        TypeError: It has no such parameter, or none that can be told from its others, or `functools.partial` has given
            some arguments already, so that its first may be another: it is not the one that legacy begins with.
    """
    if user is None and isinstance(path, partial) and path.args and not _begin_alike(path, legacy):
        raise TypeError(
            f"some arguments of {name_of(path.func)} are given already, by functools.partial, and may hold the user's "
            'id: say which of the others it is, with user="…"'
        )
    parameters = inspect.signature(path).parameters
    name = user or next(iter(parameters), "nothing")
    found = parameters.get(name)
    if found is None and user is not None and _takes_names_alone(parameters):
        return lambda _, kwargs: kwargs.get(name)
    if found is None or name in {"self", "cls"} or found.kind in {found.VAR_POSITIONAL, found.VAR_KEYWORD}:
        raise TypeError(
            f"{name_of(path)} has the parameters {[str(one) for one in parameters.values()]}, and {name} can't be the "
            'user\'s id: say which one it is, with user="…". Where a decorator hides them, let it use functools.wraps'
        )
    default = None if found.default is found.empty else found.default
    if found.kind is found.KEYWORD_ONLY:
        return lambda _, kwargs: kwargs.get(name, default)
    place = list(parameters).index(name)
    return lambda args, kwargs: args[place] if place < len(args) else kwargs.get(name, default)


def _begin_alike(path: Callable[..., Any], legacy: Callable[..., Any]) -> bool:
    """Whether the first parameter of both has the same name."""
    try:
        first, other = (next(iter(inspect.signature(one).parameters), "") for one in (path, legacy))
    except ValueError:  # of some functions in C nothing is known
        return False
    return first == other


def _takes_names_alone(parameters: Mapping[str, inspect.Parameter]) -> bool:
    """Whether any name will do, and no argument could be the user's id without one."""
    kinds = {one.kind for one in parameters.values()}
    return inspect.Parameter.VAR_KEYWORD in kinds and inspect.Parameter.VAR_POSITIONAL not in kinds


def go_together(path: Callable[..., Any], legacy: Callable[..., Any]) -> None:
    """Check that either path may answer in place of the other.

    Raises:
        TypeError: One is a generator, or only one of the two is async.
    """
    for one in (path, legacy):
        if any(map(_is_generator, _codes(one))):
            raise TypeError(
                f"{name_of(one)} is a generator, which fails after it has answered: use observe() around its use"
            )
    if is_async(path) is not is_async(legacy):
        raise TypeError(
            f"either both paths are async def, or neither is: {name_of(path)}, and {name_of(legacy)} for legacy"
        )


def finished(answer: R, name: str) -> R:
    """The answer of a path, which must not be able to fail any more.

    Raises:
        LazyAnswerError: It may still fail, when nobody looks any more.
    """
    if not is_lazy(answer):
        return answer
    message = (
        f"{name} answers with a {type(answer).__name__}, which may fail after it has answered, and nobody would count "
        "that. Where a decorator hides an async def, make its wrapper async def, too; return a list in place of "
        "an iterator; or use observe() around its use"
    )
    if isinstance(answer, Coroutine | Generator):
        answer.close()  # so that Python does not say it was never awaited
    raise LazyAnswerError(message)


def is_lazy(answer: object) -> bool:
    """Whether an answer may still fail."""
    kind = type(answer)  # not what a proxy says of itself, which may raise
    return issubclass(kind, _LAZY) and not issubclass(kind, _FINISHED)


def is_async(function: Callable[..., Any]) -> bool:
    """Whether the answer of a function must be awaited."""
    return any(map(inspect.iscoroutinefunction, _codes(function)))


def _codes(function: Callable[..., Any]) -> tuple[Callable[..., Any], ...]:
    """The code that runs when it is called: the function's own, or that of an object's `__call__`."""
    return function, type(function).__call__


def _is_generator(function: Callable[..., Any]) -> bool:
    return inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)


def name_of(function: Callable[..., Any]) -> str:
    """The name by which people know a function."""
    return getattr(function, "__qualname__", None) or repr(function)
