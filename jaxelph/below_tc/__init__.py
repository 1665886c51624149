"""Below T_c: the gap, its edge, and what it does to free energy, heat and a magnetic field.

Everything follows from one functional, `condensate`: `gap` makes it stationary, `free_energy`
differentiates it, `edge` continues its solution to real energies. `isotope` is about T_c itself.
"""
