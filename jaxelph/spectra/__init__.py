"""The Eliashberg function α²F(ω): what everything else starts from.

`spectrum` has what all kinds share, with Einstein modes and Debye's law; `peaks` and `table` are
further kinds; `moments` are numbers of α²F alone (λ, ω_log, ω_ph); `resolution`, `panels` and
`sums` are the quadrature nodes that a temperature needs; `readers` reads files of the codes that
compute α²F, `source` says where one came from and `curve` how it is drawn; `examples` are spectra
to try things with.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(__name__, submodules=["readers"])
