"""How a metal relaxes, or runs away: the kinetic equation in time."""

from .evolve import Evolution as Evolution
from .evolve import evolve as evolve
from .relaxation import Relaxation as Relaxation
from .relaxing import relax as relax
from .run import RESULTS as RESULTS
