"""Implicit differential equations $F(t, y, \\dot y) = 0$ as diffrax terms and solvers."""

from .bdf import BDF
from .controller import MultistepError, StepController
from .elimination import AbstractBlocks, EliminatingInverse, EliminatingKrylov
from .initial import consistent_initial
from .linear import AbstractIterationSolver, DenseInverse, DenseLineax, DenseLU, Krylov
from .newton import SimplifiedNewton
from .rodas import Rodas5P
from .terms import AbstractImplicitTerm, ImplicitTerm, MassMatrixTerm

__all__ = [
    "BDF",
    "AbstractBlocks",
    "AbstractImplicitTerm",
    "AbstractIterationSolver",
    "DenseInverse",
    "DenseLU",
    "DenseLineax",
    "EliminatingInverse",
    "EliminatingKrylov",
    "ImplicitTerm",
    "Krylov",
    "MassMatrixTerm",
    "MultistepError",
    "Rodas5P",
    "SimplifiedNewton",
    "StepController",
    "consistent_initial",
]
