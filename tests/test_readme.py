"""What the README prints is what its examples print."""

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"

# The last digit of a number may differ from one processor to the next.
NUMBER = re.compile(r"-?\d+\.?\d*(?:e[-+]\d+)?")


PAIRS = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", README.read_text(), re.S)


def run(pairs, capsys):
    names = {}
    for source, expected in pairs:
        exec(compile(source, "README.md", "exec"), names)
        printed = capsys.readouterr().out
        assert NUMBER.sub("#", printed) == NUMBER.sub("#", expected)
        for got, told in zip(NUMBER.findall(printed), NUMBER.findall(expected), strict=True):
            # Rounding to the digits shown, and what is zero up to the search's tolerance.
            assert abs(float(got) - float(told)) <= 2e-3 * abs(float(told)) + 1e-6


def test_first_example(capsys):
    run(PAIRS[:1], capsys)


@pytest.mark.slow
def test_all_examples(capsys):
    assert len(PAIRS) == 3
    run(PAIRS, capsys)
