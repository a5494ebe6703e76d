"""The two functions behind a feature: whether they go together, and where the user stands among their arguments."""

import inspect
from collections.abc import Callable
from typing import Any

UserOf = Callable[[tuple[Any, ...], dict[str, Any]], Any]


def user_of(path: Callable[..., Any], user: str | None) -> UserOf:
    """How to find the user's id among the arguments; who isn't there is nobody.

    Args:
        path: The function that is called.
        user: Its parameter for the id; by default, the first.

    Raises:
        TypeError: It has no such parameter.
    """
    parameters = inspect.signature(path).parameters
    names = list(parameters)
    name = user or next(iter(names), "nothing")
    if name not in parameters or name in {"self", "cls"}:
        raise TypeError(
            f"{name_of(path)} has the parameters {names}, and {name} can't be the user's id: "
            'say which one it is, with user="…"'
        )
    place = names.index(name)
    if parameters[name].kind is inspect.Parameter.KEYWORD_ONLY:
        return lambda _, kwargs: kwargs.get(name)
    return lambda args, kwargs: args[place] if place < len(args) else kwargs.get(name)


def go_together(path: Callable[..., Any], legacy: Callable[..., Any]) -> None:
    """Check that one may answer for the other.

    Raises:
        TypeError: It may not.
    """
    for one in (path, legacy):
        if inspect.isgeneratorfunction(one) or inspect.isasyncgenfunction(one):
            raise TypeError(
                f"{name_of(one)} is a generator, which fails after it has answered: use observe() around its use"
            )
    if is_async(path) is not is_async(legacy):
        raise TypeError(
            f"either both paths are async def, or neither is: {name_of(path)}, and {name_of(legacy)} for legacy"
        )


def is_async(function: Callable[..., Any]) -> bool:
    """Whether its answer is to be awaited."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


def name_of(function: Callable[..., Any]) -> str:
    """How people know it."""
    return getattr(function, "__qualname__", None) or repr(function)
