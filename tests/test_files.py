"""Files appear whole or not at all."""

import json
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from helpers import unprivileged

from jaxelph.files import check_folder, json_text, plain, write_all


def good(text):
    return lambda path: path.write_text(text)


def bad(path):
    path.write_text("half")
    raise ValueError("the writer failed")


def test_all_files_or_none(tmp_path):
    folder = tmp_path / "a" / "b"
    paths = write_all(folder, {"one.txt": good("1"), "two.txt": good("2")})
    assert {name: path.read_text() for name, path in paths.items()} == {
        "one.txt": "1",
        "two.txt": "2",
    }
    with pytest.raises(ValueError, match="the writer failed"):
        write_all(folder, {"one.txt": good("new"), "three.txt": bad})
    assert sorted(os.listdir(folder)) == ["one.txt", "two.txt"]
    assert (folder / "one.txt").read_text() == "1"


def test_a_folder_made_for_files_that_failed_is_taken_away(tmp_path):
    with pytest.raises(ValueError, match="the writer failed"):
        write_all(tmp_path / "a" / "b", {"one.txt": bad})
    assert os.listdir(tmp_path) == []


def test_an_interrupt_leaves_nothing(tmp_path):
    def interrupted(path):
        path.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_all(tmp_path / "out", {"one.txt": good("1"), "two.txt": interrupted})
    assert os.listdir(tmp_path) == []


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("kept")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(NotADirectoryError, match="is a file, not a folder; give another"):
            check_folder(place)
        with pytest.raises(OSError, match="is a file, not a folder"):
            write_all(place, {"one.txt": good("1")})
    assert (tmp_path / "file").read_text() == "kept"
    assert not check_folder(tmp_path / "new" / "deep").exists()


def test_a_folder_that_cannot_be_written_to():
    with tempfile.TemporaryDirectory() as name:  # `tmp_path` is its owner's alone
        folder = Path(name)
        folder.chmod(0o555)
        refused = pytest.raises(PermissionError, match="cannot be written to; give another folder")
        with unprivileged(), refused:
            check_folder(folder / "new")
        folder.chmod(0o755)


def test_json_has_null_for_what_is_not_finite():
    value = {"a": np.array([[1.5, np.inf], [np.nan, -np.inf]]), "b": (np.float64(2.0), True, "é")}
    assert plain(value) == {"a": [[1.5, None], [None, None]], "b": [2.0, True, "é"]}
    assert json.loads(json_text(value)) == plain(value)
    assert "é" in json_text(value)
