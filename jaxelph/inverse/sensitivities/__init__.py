"""Derivatives of everything by α²F(ω).

`derivatives` takes them; `crossings` are those of eigenvalues that meet; `result`, `output` and
`figure` are how they are kept, in which units, and drawn.
"""
