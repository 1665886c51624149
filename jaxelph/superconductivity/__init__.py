"""The superconductor that the same phonons make.

`transition` finds Tc and the gap function where pairing sets in, on the compact basis of
`matsubara`; `formulas` are those of McMillan and of Allen and Dynes; `coulomb` is what μ* means.
Below Tc everything follows from one functional, `condensate`: `gap` makes it stationary,
`free_energy` differentiates it, `field` is the magnetic field that undoes it, `edge` continues its
solution to the gap edge, `isotope` says which phonons carry Tc. `real_axis` is the exact
continuation to real energies (`continuation`, on the panels of `real_grid`, with the integrals of
`phonon_kernels` and `line_sums`). `superconductor` puts them together in K, meV and tesla.
"""
