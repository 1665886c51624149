"""Before a measurement: which temperatures or energies decide what is asked for.

`optimum` is the optimal design by the Fisher information, `result` holds it with its dataset,
`figure` draws that.
"""
