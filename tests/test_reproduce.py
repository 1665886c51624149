"""`jaxelph reproduce`: numbers as printed, files whole, bad names in a sentence."""

import json

import pytest

from jaxelph.cli import run
from jaxelph.reproduce import Comparison, reproduce


def test_agreement_is_judged_at_the_printed_digits():
    assert Comparison("", "1.16", 1.16499).agrees
    assert not Comparison("", "1.16", 1.1651).agrees
    assert not Comparison("", "0.40", 0.38983).agrees


def test_strong_coupling_and_its_files(tmp_path):
    xarray = pytest.importorskip("xarray")
    assert run(["reproduce", "strong-coupling", "--output", str(tmp_path)]) == 0
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".nc", ".pdf", ".png"]
    told = json.loads((tmp_path / "strong-coupling.json").read_text())
    ours = [row["ours"] for row in told["comparisons"]]
    assert ours == pytest.approx([0.38983, 1.16060], abs=5e-6)
    assert [row["agrees"] for row in told["comparisons"]] == [False, True]
    with xarray.open_dataset(tmp_path / "strong-coupling.nc", engine="h5netcdf") as data:
        edge = data["edge"].sel(criterion="heat").values
        assert edge[-1] == pytest.approx(data.attrs["heat_limit"], rel=2e-3)


def test_bad_name(capsys):
    assert run(["reproduce", "table9"]) == 2
    assert "table9" in capsys.readouterr().err
    with pytest.raises(ValueError, match="is not one of the results"):
        reproduce("table9")
