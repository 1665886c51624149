"""Decorators that leave a function its type.

Type checkers lose the signature and the result of what `jax.jit` returns. Public functions are
compiled by `jit` from here, which is `jax.jit` and says so much more.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar, overload

import jax

Function = TypeVar("Function", bound=Callable)


@overload
def jit(function: Function) -> Function: ...
@overload
def jit(*, static_argnames: str | Sequence[str]) -> Callable[[Function], Function]: ...
def jit(function: Any = None, *, static_argnames: Any = None) -> Any:
    """`jax.jit`, as a decorator that leaves signature and result known to type checkers.

    Args:
        function: to be compiled.
        static_argnames: arguments of which each value is compiled for.

    Example:
        >>> @jit(static_argnames="power")
        ... def raised(x: float, power: int) -> float:
        ...     return x**power
        >>> print(raised(3.0, 2))
        9.0
    """
    if function is None:
        return partial(jax.jit, static_argnames=static_argnames)
    return jax.jit(function)
