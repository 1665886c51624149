"""Spectra made to order: the largest Tc that bounds and stability allow.

`optimum` seeks it from the `starts`, solving the `problem` under the `bound` that stability sets;
`result`, `output` and `figure` keep, print and draw what was found.
"""

from .bound import StabilityBound as StabilityBound
from .optimum import maximise as maximise
from .optimum import trade_off as trade_off
from .result import Design as Design
from .result import DesignError as DesignError
