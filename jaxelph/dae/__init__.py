"""Implicit differential equations $F(t, y, \\dot y) = 0$ as diffrax terms and solvers."""

from .bdf import BDF
from .controller import MultistepError, StepController
from .initial import consistent_initial
from .linear import AbstractIterationSolver, DenseInverse, DenseLineax, DenseLU, Krylov
from .newton import SimplifiedNewton
from .rodas import Rodas5P
from .terms import AbstractImplicitTerm, ImplicitTerm, MassMatrixTerm

__all__ = [
    "BDF",
    "AbstractImplicitTerm",
    "AbstractIterationSolver",
    "DenseInverse",
    "DenseLU",
    "DenseLineax",
    "ImplicitTerm",
    "Krylov",
    "MassMatrixTerm",
    "MultistepError",
    "Rodas5P",
    "SimplifiedNewton",
    "StepController",
    "consistent_initial",
]
