"""Files appear whole or not at all."""

import json
import os
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from helpers import unprivileged

from jaxelph.presentation.files import (
    as_text,
    check_file,
    check_folder,
    file_name,
    json_text,
    plain,
    read_bytes,
    write_all,
)


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


def test_a_folder_in_the_place_of_a_file_changes_nothing(tmp_path):
    (tmp_path / "two.txt").mkdir()
    (tmp_path / "one.txt").write_text("old")
    with pytest.raises(OSError, match="two.txt is a folder"):
        write_all(tmp_path, {"one.txt": good("1"), "two.txt": good("2")})
    assert (tmp_path / "one.txt").read_text() == "old"
    assert sorted(os.listdir(tmp_path)) == ["one.txt", "two.txt"]


def test_a_file_that_cannot_be_made_is_told_before(tmp_path):
    with pytest.raises(OSError, match="this is a folder; give the name of a file"):
        check_file(tmp_path)
    with pytest.raises(OSError, match="the name is too long; 255 bytes"):
        check_file(tmp_path / ("é" * 128))
    assert check_file(tmp_path / ("é" * 127)) and os.listdir(tmp_path) == []


@pytest.mark.parametrize("stem", ["a", "x" * 300, "é" * 200, "x" + "λ" * 200, "€" * 100, "𝛚" * 70])
def test_names_are_cut_between_characters(tmp_path, stem):
    name = file_name(stem, ".png")
    assert name.endswith(".png") and stem.startswith(name.removesuffix(".png"))
    size = len(os.fsencode(name))
    assert size == len(os.fsencode(stem)) + 4 if len(stem) == 1 else 251 < size <= 255
    (tmp_path / name).write_text("fits")


def test_text_of_any_bytes():
    for name in (b"plain.dat", b"nb\xff\xfe.dat", "λ.dat".encode(), b"\xed\xa0\x80"):
        text = as_text(os.fsdecode(name))
        assert text.encode().decode() == text
        json.loads(json_text({"name": os.fsdecode(name)}))
    assert as_text(os.fsdecode(b"a\xff")) == "a\\xff" and as_text("a\ud800") == "a\\ud800"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with a name")
def test_pipes_are_read_and_not_waited_for_without_end(tmp_path):
    pipe, content = tmp_path / "pipe", os.urandom(300_000)  # more than a pipe holds
    os.mkfifo(pipe)
    began = time.monotonic()
    with pytest.raises(OSError, match="no program writes") as told:
        read_bytes(pipe, patience=0.1)
    assert told.value.filename == str(pipe)
    assert time.monotonic() - began < 5

    def write():
        time.sleep(0.3)
        with open(pipe, "wb") as file:
            file.write(content[:7])
            file.flush()
            time.sleep(0.3)
            file.write(content[7:])

    writer = threading.Thread(target=write)
    writer.start()
    assert read_bytes(pipe) == content
    writer.join()
