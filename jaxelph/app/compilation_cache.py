"""Compiled functions kept between runs of the program, so that the second one starts fast.

The library leaves JAX's cache alone: it is the caller's to set. The program turns it on.
"""

import hashlib
import os
import platform
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from .surroundings import set_jax


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Where compiled functions are kept; None where they are not to be.

    `JAXELPH_CACHE` is a folder, or 0 for none. Otherwise it is `jaxelph` in the user's cache
    folder: LOCALAPPDATA on Windows, else XDG_CACHE_HOME or ~/.cache.

    Example:
        >>> print(cache_folder({"JAXELPH_CACHE": "0"}))
        None
        >>> cache_folder({"JAXELPH_CACHE": "kept"}).parent.name
        'kept'
    """
    chosen = environment.get("JAXELPH_CACHE", "")
    if chosen == "0":
        return None
    if chosen:
        base = Path(chosen).expanduser()
    else:
        home = environment.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME")
        try:
            base = (Path(home) if home else Path.home() / ".cache") / "jaxelph"
        except RuntimeError:  # no home
            return None
    # Machine code runs where it was compiled: a home folder may be shared by unlike machines.
    return base / f"jax-{metadata.version('jax')}-{_processor()}"


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
        lines = [line for line in text.splitlines() if line.startswith(("flags", "Features"))]
        flags = lines[0] if lines else ""
    except OSError:
        flags = platform.processor()
    return f"{platform.machine()}-{hashlib.sha256(flags.encode()).hexdigest()[:8]}"


def keep_programs() -> Path | None:
    """`keep_compiled_functions`, and beside them what `numerics.kept` finds without tracing.

    Only in the program's own folder. Returns it, None if there is none.
    """
    told = os.environ.get("JAX_COMPILATION_CACHE_DIR")  # `keep_compiled_functions` sets it
    folder = keep_compiled_functions()
    if told or folder is None:
        return None
    # The variable is that of `kept.FOLDER`, whose module would import JAX.
    os.environ["JAXELPH_CACHE_PROGRAMS"] = str(folder / "programs")
    return folder


def keep_compiled_functions() -> Path | None:
    """Turn JAX's persistent cache on; a folder that cannot be written to is no error.

    A cache that JAX was told of by its own variable, JAX_COMPILATION_CACHE_DIR, stays. JAX
    itself is not imported for it: help and version do without.

    Returns:
        The folder in use, None if there is none.
    """
    if told := os.environ.get("JAX_COMPILATION_CACHE_DIR"):
        return Path(told)
    folder = cache_folder()
    if folder is None:
        return None
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    if not os.access(folder, os.W_OK | os.X_OK):
        return None
    set_jax("jax_compilation_cache_dir", str(folder))
    # The smallest function takes longer to compile than to read: no threshold.
    set_jax("jax_persistent_cache_min_compile_time_secs", 0.0)
    set_jax("jax_persistent_cache_min_entry_size_bytes", -1)
    return folder
