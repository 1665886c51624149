"""The paper's results, one module each, beside the published numbers.

The paper is E. A. Yuzbashyan, B. L. Altshuler and A. Patra, "Instability of metals with respect
to strong electron-phonon interaction", Phys. Rev. Lett. (2025), arXiv:2409.19562, with its
Supplemental Material, whose equation numbers are used throughout.
"""

from .result import Comparison as Comparison
from .result import Reproduction as Reproduction
from .run import NAMES as NAMES
from .run import reproduce as reproduce
