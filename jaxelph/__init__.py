"""jaxelph: differentiable physics of electrons and phonons in metals.

Importing the package turns on JAX's 64-bit mode, without which none of the digits
promised here exist; set the environment variable `JAXELPH_X64=0` to be left alone.

The public names stand in `__init__.pyi`. Each is imported when it is first asked for, so that
`import jaxelph` takes hardly longer than `import jax`.
"""

import os as _os

import lazy_loader as _lazy

from .app import surroundings as _surroundings

__version__ = "0.1.0"

if _surroundings.is_program():
    # JAX is not imported here: help and version do without it.
    _surroundings.prepare()
    _surroundings.set_jax("jax_enable_x64", True)
elif _os.environ.get("JAXELPH_X64", "1") != "0":
    import jax as _jax

    _jax.config.update("jax_enable_x64", True)

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
