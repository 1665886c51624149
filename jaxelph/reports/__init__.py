"""The main job: a spectrum examined, judged, and put before a person."""

from .report import Report as Report
from .report import report as report
