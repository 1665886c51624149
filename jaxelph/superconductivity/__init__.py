"""The superconductor that the same phonons make.

`transition` finds Tc and the gap function where pairing sets in, on the compact basis of
`matsubara`; `formulas` are those of McMillan and of Allen and Dynes; `coulomb` is what μ* means.
Below Tc everything follows from one functional, `condensate`: `gap` makes it stationary,
`free_energy` differentiates it, `edge` continues its solution to the gap edge, `isotope` says
which phonons carry Tc.
"""
