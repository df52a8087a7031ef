"""Size budgets of the code: small files, small functions, at least as many lines of tests."""

import ast
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles


ROOT = Path(__file__).parent.parent
FILE_CAP, FILE_P90, FILE_MEDIAN = 800, 450, 150
FUNCTION_CAP, FUNCTION_P90, FUNCTION_MEDIAN = 60, 35, 10

TESTS_PER_SOURCE = 0.75
"""Lines of tests per line of source. The budget is 1.0; this floor only ever goes up."""


def sources() -> list[Path]:
    """Every module of the program, once."""
    links = {ROOT / "cc4tui" / "screens", ROOT / "cc4tui" / "services"}
    found = [
        path for top in ("cc4tui", "screens", "services") for path in (ROOT / top).rglob("*.py")
    ]
    return sorted(path for path in found if not links & set(path.parents))


def length(path: Path) -> int:
    """Physical lines."""
    return len(path.read_text().splitlines())


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Every function of a module, nested ones included, with its lines."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield (
                f"{path.relative_to(ROOT)}:{node.lineno} {node.name}",
                (node.end_lineno - node.lineno + 1),
            )


def p90(values: list[int]) -> float:
    """The 90th percentile."""
    return quantiles(values, n=10)[-1]


def test_no_file_is_too_long() -> None:
    assert [str(path) for path in sources() if length(path) > FILE_CAP] == []


def test_files_are_short() -> None:
    lengths = [length(path) for path in sources() if length(path)]
    assert p90(lengths) <= FILE_P90
    assert median(lengths) <= FILE_MEDIAN


def test_no_function_is_too_long() -> None:
    found = [(name, lines) for path in sources() for name, lines in functions(path)]
    assert len(found) > 500
    assert [name for name, lines in found if lines > FUNCTION_CAP] == []


def test_functions_are_short() -> None:
    lengths = [lines for path in sources() for _, lines in functions(path)]
    assert p90(lengths) <= FUNCTION_P90
    assert median(lengths) <= FUNCTION_MEDIAN


def test_tests_keep_up_with_the_source() -> None:
    tests = sum(length(path) for path in (ROOT / "tests").rglob("*.py"))
    assert tests >= TESTS_PER_SOURCE * sum(map(length, sources()))
