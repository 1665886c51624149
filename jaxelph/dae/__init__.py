"""Implicit differential equations $F(t, y, \\dot y) = 0$ as diffrax terms and solvers."""

from .bdf import BDF as BDF
from .controller import MultistepError as MultistepError
from .controller import StepController as StepController
from .initial import consistent_initial as consistent_initial
from .linear import (
    AbstractIterationSolver as AbstractIterationSolver,
)
from .linear import (
    DenseLineax as DenseLineax,
)
from .linear import (
    DenseLU as DenseLU,
)
from .linear import (
    Krylov as Krylov,
)
from .newton import SimplifiedNewton as SimplifiedNewton
from .rodas import Rodas5P as Rodas5P
from .terms import (
    AbstractImplicitTerm as AbstractImplicitTerm,
)
from .terms import (
    ImplicitTerm as ImplicitTerm,
)
from .terms import (
    MassMatrixTerm as MassMatrixTerm,
)
