"""Programs kept whole between processes, so that a warm start neither traces nor lowers.

JAX's own cache keeps what XLA compiled, under the text of what it was made from: to find it, a
function is traced and lowered again, which takes longer than to run it. Here the executable lies
under what the function is called with. Where anything does not match, or cannot be read, the
function is compiled as if this were not here; and so it always is where it is traced.

Only the program keeps anything, in the folder that the variable `FOLDER` names. What lies there is
machine code, as in JAX's cache, and is taken for what it says it is: the folder is its user's own.
"""

import contextlib
import functools
import hashlib
import os
import pickle
import platform
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import jax
import numpy as np
from jax.core import Tracer

Function = TypeVar("Function", bound=Callable)

#: The environment variable with the folder where programs lie; without it none are kept.
FOLDER = "JAXELPH_CACHE_PROGRAMS"

# What is run once a process is compiled quickly: without the emitters made of MLIR, with LLVM's
# first level, and as one module, for there are as many programs as there are cores.
_QUICK = {
    "xla_cpu_use_fusion_emitters": False,
    "xla_backend_optimization_level": 1,
    "xla_cpu_parallel_codegen_split_count": 1,
}

# Of files that nobody has asked for longest, those beyond so many are removed.
_MOST = 96


def kept(function: Function, *told: int) -> Function:
    """A compiled function whose executables are kept between processes.

    It must not depend on anything but its arguments, constants of the package and `told`. A
    leaf of the arguments that is no array must have a method `kept_key`, which returns a text
    that stands for it, or None; with any other the function is called as it is.

    Args:
        function: of `jax.jit`, or `equinox.filter_jit`.
        told: what a closure depends on.

    Example:
        >>> import jax.numpy as jnp
        >>> half = kept(jax.jit(lambda x: x / 2))
        >>> print(half(jnp.array(3.0)), jax.grad(half)(3.0))
        1.5 0.5
    """
    return _Kept(function, told)  # pyright: ignore[reportReturnType]


class _Kept:
    def __init__(self, function: Callable, told: tuple):
        self.__wrapped__ = function
        plain: Any = getattr(function, "__wrapped__", function)
        for name in ("__module__", "__name__", "__qualname__", "__doc__"):
            setattr(self, name, getattr(plain, name, ""))
        self._told = told
        self._lock = threading.Lock()
        self._programs: dict[str, Callable | None] = {}

    def __getattr__(self, name):  # `lower` and so on
        if name == "__wrapped__":
            raise AttributeError(name)
        return getattr(self.__wrapped__, name)

    def __call__(self, *arguments, **named):
        folder = os.environ.get(FOLDER)
        if not folder or jax.config.jax_disable_jit:  # pyright: ignore
            return self.__wrapped__(*arguments, **named)
        leaves, tree = jax.tree.flatten((arguments, named))
        arrays, signature = _signature(leaves)
        if signature is None:
            return self.__wrapped__(*arguments, **named)
        key = repr((self.__module__, self.__qualname__, self._told, str(tree), signature))
        with self._lock:
            if key not in self._programs:
                self._programs[key] = self._program(Path(folder), key, leaves, tree, arrays)
        program = self._programs[key]
        return self.__wrapped__(*arguments, **named) if program is None else program(*arrays)

    def _program(self, folder, key, leaves, tree, arrays) -> Callable | None:
        """The executable for these arguments, from its file or compiled; None if there is none."""
        if "0x" in key or jax.default_backend() != "cpu" or jax.device_count() > 1:
            return None  # an object in the tree that has no name of its own; or other devices
        digest = hashlib.sha256((_conditions() + key).encode()).hexdigest()
        path = folder / f"{self.__name__}-{digest[:40]}.program"
        with contextlib.suppress(Exception):
            found = _loaded(path.read_bytes(), len(arrays))
            os.utime(path)  # not forgotten soon
            return found

        places = [i for i, leaf in enumerate(leaves) if _is_array(leaf)]

        def flat(*arrays):
            filled = list(leaves)
            for place, array in zip(places, arrays, strict=True):
                filled[place] = array
            arguments, named = jax.tree.unflatten(tree, filled)
            return self.__wrapped__(*arguments, **named)

        # What JAX's cache has read, and not XLA compiled, cannot be written: a name of its own
        # keeps it from being found there.
        flat.__name__ = f"{self.__name__}_{os.urandom(6).hex()}"
        lowered = jax.jit(flat).lower(*arrays)
        with _unrecorded():
            compiled = _compiled(lowered)
        try:
            image = _checked(compiled, arrays)
        except Exception:
            return None  # JAX's cache shall have it
        with contextlib.suppress(OSError):
            _write(path, image)
        return compiled


def _compiled(lowered):
    """The executable, in a third of the compiler's usual time where this XLA can be told so."""
    try:
        return lowered.compile(compiler_options=_QUICK)
    except Exception as error:
        # Its options change from one version to the next.
        if not any(name in str(error) for name in _QUICK):
            raise
        return lowered.compile()


def _is_array(leaf) -> bool:
    return isinstance(leaf, jax.Array | np.ndarray | np.generic)


def _signature(leaves) -> tuple[list, tuple | None]:
    """The arrays among leaves, and what stands for all of them; None where they are traced."""
    arrays, signature = [], []
    for leaf in leaves:
        if isinstance(leaf, Tracer):
            return [], None
        if _is_array(leaf):
            arrays.append(leaf)
            weak = bool(getattr(leaf, "weak_type", False))
            signature.append((leaf.shape, str(leaf.dtype), weak))
            continue
        found = leaf.kept_key() if hasattr(leaf, "kept_key") else None
        if found is None:
            return [], None
        signature.append(found)
    return arrays, tuple(signature)


@functools.cache
def _conditions() -> str:
    """What an executable depends on beside its arguments: versions, settings, the package's text.

    The processor is in the folder's name, as it is for JAX's cache.
    """
    import equinox
    import jaxlib
    import scipy

    versions = [module.__version__ for module in (jax, jaxlib, np, scipy, equinox)]
    settings = sorted(
        (name, value)
        for name, value in os.environ.items()
        if name.startswith(("JAX_", "XLA_", "EQX_", "JAXELPH_")) and "CACHE" not in name
    )
    own = [(name, repr(value)) for name, value in jax.config.values.items() if "cache" not in name]
    return repr((platform.python_version(), versions, settings, sorted(own), _package()))


def _package() -> list:
    """Names, sizes and dates of the package's files."""
    root, found = Path(__file__).parents[1], []
    for folder, _, names in os.walk(root):
        for name in names:
            if name.endswith(".py"):
                path = os.path.join(folder, name)
                state = os.stat(path)
                found.append((os.path.relpath(path, root), state.st_size, state.st_mtime_ns))
    return sorted(found)


def _loaded(image: bytes, count: int) -> Callable:
    from jax.experimental import serialize_executable

    payload, out_tree = pickle.loads(image)
    _find_lapack()
    in_tree = jax.tree.structure(((0,) * count, {}))
    return serialize_executable.deserialize_and_load(payload, in_tree, out_tree)


@functools.cache
def _find_lapack() -> None:
    """What lowering does for LAPACK's routines, without which a program that calls one crashes."""
    try:
        from jaxlib.lapack import _lapack  # pyright: ignore

        _lapack.initialize()
    except (ImportError, AttributeError):
        matrix = jax.ShapeDtypeStruct((1, 1), np.float32)
        jax.jit(jax.lax.linalg.cholesky).lower(matrix)


def _unrecorded() -> contextlib.AbstractContextManager:
    """What is compiled within, on this thread, does not go into JAX's cache a second time."""
    try:
        from jax._src.config import persistent_cache_min_compile_time_secs

        return persistent_cache_min_compile_time_secs(float("inf"))
    except (ImportError, TypeError):
        return contextlib.nullcontext()


def _checked(compiled, arrays) -> bytes:
    """An executable as a file holds it.

    Raises:
        Exception: it cannot be written, or what is read again does not give the same.
    """
    from jax.experimental import serialize_executable

    payload, _, out_tree = serialize_executable.serialize(compiled)
    image = pickle.dumps((payload, out_tree))
    results = (jax.tree.leaves(f(*arrays)) for f in (compiled, _loaded(image, len(arrays))))
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)
    return image


def _write(path: Path, image: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
    try:
        temporary.write_bytes(image)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    there = sorted(path.parent.glob("*.program"), key=lambda file: -file.stat().st_mtime)
    for old in there[_MOST:]:
        old.unlink(missing_ok=True)
