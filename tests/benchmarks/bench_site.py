"""The cost of a site with 10 to 1,000 classes: build time, number of files, and sizes of pages: `nox -s bench`.

The tables are synthetic, with 512 units in the ablated layer; a site's time and sizes do not depend on their values.
Times of pages are processor times, because other work on the machine affects them less. Nothing here passes or fails.
"""

from __future__ import annotations

import itertools
import statistics
import time
from typing import TYPE_CHECKING

import pytest
from fakes.many_classes import make_many_classes

from dissectory.report.build import build_site

if TYPE_CHECKING:
    from pathlib import Path

UNITS = 512


@pytest.mark.parametrize("classes", [10, 100, 365, 1000])
def test_cost_of_a_site(classes: int, tmp_path: Path) -> None:
    run = make_many_classes(tmp_path / "run", classes, UNITS)
    start, written = time.perf_counter(), [time.process_time()]
    site = build_site(run, lambda _done, _total: written.append(time.process_time())).parent
    took = time.perf_counter() - start
    spent = [1000 * (after - before) for before, after in itertools.pairwise(written)]
    of_units = spent[-len(run.table("units")) :]
    of_classes = spent[-len(of_units) - classes : -len(of_units)]
    print(f"\n{classes:,} classes: {len(spent):,} pages in {took:.1f} s, {1000 * took / len(spent):.2f} ms a page")
    print(f"  {'before the first page':<36} {spent[0]:9.2f} ms")
    print(f"  {'a page of a class, the median':<36} {statistics.median(of_classes):9.2f} ms")
    print(f"  {'a page of a unit, the median':<36} {statistics.median(of_units):9.2f} ms")
    sizes = {str(path.relative_to(site)): path.stat().st_size for path in site.rglob("*") if path.is_file()}
    html = {name: size for name, size in sizes.items() if name.endswith(".html")}
    largest = max(html, key=lambda name: html[name])
    print(f"  {'files':<36} {len(sizes):9,}")
    print(f"  {'all files':<36} {sum(sizes.values()) / 1e6:9.1f} MB")
    print(f"  {'pages together':<36} {sum(html.values()) / 1e6:9.1f} MB")
    print(f"  {'largest page: ' + largest:<36} {html[largest] / 1e3:9.0f} kB")
    for kind in ("classes", "units"):
        middle = statistics.median(size for name, size in html.items() if name.startswith(f"{kind}/"))
        print(f"  {'median page of ' + kind:<36} {middle / 1e3:9.1f} kB")
    for name in ("classes.html", "index.html", "layers/fire4.html", "search-index.js", "switches/fire4.js"):
        print(f"  {name:<36} {sizes[name] / 1e3:9.0f} kB")
