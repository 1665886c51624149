"""Spectra made to order: the largest Tc that bounds and stability allow.

`optimum` seeks it from the `starts`, solving the `problem` under the `bound` that stability sets;
`result`, `output` and `figure` keep, print and draw what was found.
"""
