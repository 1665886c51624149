"""Every notebook runs from a clean start, and what is kept of it is fit to be read."""

from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "notebooks"
BOOKS = sorted(FOLDER.glob("*.ipynb"))


def read(path):
    return pytest.importorskip("nbformat", reason="needs the extra 'notebooks'").read(path, 4)


def outputs_of(book):
    return [output for cell in book.cells for output in cell.get("outputs", ())]


def test_all_are_listed():
    listed = (FOLDER / "README.md").read_text()
    assert BOOKS and all(f"({path.name})" in listed for path in BOOKS)


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_kept_outputs(path):
    assert path.stat().st_size < 700_000
    outputs = outputs_of(read(path))
    assert any("image/png" in output.get("data", {}) for output in outputs)
    for output in outputs:
        assert output.output_type != "error"
        assert output.get("name") != "stderr", output.text


@pytest.mark.slow
@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
@pytest.mark.filterwarnings("default")  # Jupyter's own are not ours
def test_runs_from_a_clean_start(path, tmp_path):
    nbclient = pytest.importorskip("nbclient", reason="needs the extra 'notebooks'")
    book = read(path)
    for cell in book.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    resources = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(book, timeout=900, kernel_name="python3", resources=resources).execute()
    outputs = outputs_of(book)
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert all(output.output_type != "error" for output in outputs)
