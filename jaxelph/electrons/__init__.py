"""Electrons in equilibrium with their phonons.

`occupations` are the Fermi and Bose functions; `self_energy` is what phonons do to one electron;
`weight` is the quasiparticle weight Z, and where it is least.
"""
