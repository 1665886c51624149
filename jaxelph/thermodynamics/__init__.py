"""Heat of the normal metal.

`specific_heat` is C_el with its stability parameter ξ; `potential` is the Landau potential it
follows from; `strong_coupling` is the limit of classical phonons.
"""
