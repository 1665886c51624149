"""What the results that commands print have in common: JSON, and a folder of files."""

import abc
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from .files import check_folder, json_text, result_writers, write_all


class Result(abc.ABC):
    """Numbers that are plain, labelled, drawn and saved.

    What a kind of result gives: `to_dict` with plain numbers and strings, `to_xarray`, `plot`,
    and in `files` the name of its files.

    Example:
        >>> class Found(Result):
        ...     files = "found"
        ...     to_xarray = plot = None
        ...     def to_dict(self):
        ...         return {"Tc_K": 9.3}
        >>> print(Found().to_json())
        {
          "Tc_K": 9.3
        }
    """

    files: ClassVar[str]

    @abc.abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings; what is infinite or undefined is None."""

    @abc.abstractmethod
    def to_xarray(self) -> Any:
        """Numbers and curves as a labelled `xarray.Dataset`."""

    @abc.abstractmethod
    def plot(self, ax: Any = None) -> Any:
        """The figure, a `matplotlib.figure.Figure`; on `ax` if given, see `jaxelph.plot`."""

    def to_json(self) -> str:
        """`to_dict` as valid JSON: null stands for infinity and for what is not defined."""
        return json_text(self.to_dict())

    def save(self, folder: str | os.PathLike[str]) -> dict[str, Path]:
        """Write .nc, .json, .png and .pdf of the result's name, and what else it has: all or none.

        Args:
            folder: made where it is not there.

        Returns:
            file name → path.

        Raises:
            OSError: the folder cannot be written to.
        """
        check_folder(folder)
        writers = result_writers(self.files, self.plot(), self.to_xarray(), self.to_json())
        return write_all(folder, writers | self._more_writers())

    def _more_writers(self) -> dict[str, Callable[[Path], object]]:
        """Files of this kind of result alone, as `write_all` takes them."""
        return {}
