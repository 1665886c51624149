"""Below T_c: the gap, what it does to free energy and heat, and the density of states.

Everything follows from one functional, `condensate`; `gap` solves it, `free_energy` differentiates
it, `real_axis` continues its solution to real energies.
"""
