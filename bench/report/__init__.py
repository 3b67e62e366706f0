"""What a run found: rows, results.json, tables, the HTML report, the comparison, the aims."""

from .aims import AIMS, check, exit_code, read_aims
from .html import write_html
from .machine import describe
from .results import Results, read_results, write_results
from .rows import Row, difference, interval, latencies, measured, ratio, rows_of
from .table import show, show_changes, show_verdicts

__all__ = [
    "AIMS",
    "Results",
    "Row",
    "check",
    "describe",
    "difference",
    "exit_code",
    "interval",
    "latencies",
    "measured",
    "ratio",
    "read_aims",
    "read_results",
    "rows_of",
    "show",
    "show_changes",
    "show_verdicts",
    "write_html",
    "write_results",
]
