"""Numerical methods that know no physics.

`special` has complex polygammas; `davidson`, `tridiagonal` and `eigenpairs` find single
eigenpairs and differentiate them; `lapack` calls LAPACK safely in a batch; `elimination`,
`quadrature` and `minima` are what their names say; `blas` and `precision` mind threads and 64
bits; `checks` and `typed` decorate public functions; `errors` are about arguments.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(__name__, submodules=["special"])
