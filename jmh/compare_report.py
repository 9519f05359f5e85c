# SPDX-License-Identifier: Apache-2.0
"""What jmh/compare makes of its measurements: lines, a table in Markdown, charts in SVG."""
import html
import json
import platform
import re
import statistics
import subprocess
from dataclasses import asdict, dataclass


def quartiles(values):
    """Lower quartile, median, upper quartile."""
    values = sorted(values)
    if len(values) < 2:
        return values[0], values[0], values[0]
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high


@dataclass
class Result:
    name: str
    group: str
    goal: float
    peer: str
    size: int
    # Each: our seconds, our processor seconds, the peer's seconds, the peer's processor seconds, requests.
    pairs: list
    # How many more pairs the peer has aborted.
    aborted: int
    # How long the peer was to run; 0 where the count of requests was given.
    wanted: float

    def time(self):
        """Ratios of the time passed, above 1 where we are faster."""
        return quartiles([pair[2] / pair[0] for pair in self.pairs])

    def core(self):
        """The same for each core: ratios of processor time."""
        return quartiles([pair[3] / max(pair[1], 1e-3) for pair in self.pairs])

    def rates(self):
        """Requests a second: ours, ours for each core, the peer's, the peer's for each core."""
        return [statistics.median(pair[4] / max(pair[i], 1e-3) for pair in self.pairs) for i in range(4)]

    def speeds(self):
        """What the sides do: thousand requests a second, or for a single one how long it takes."""
        if self.pairs[0][4] == 1:
            return f"{self.lengths()[0]:.3f} s, {self.lengths()[1]:.3f} s"
        ours, _, peer, _ = self.rates()
        return f"{thousands(ours)}, {thousands(peer)}"

    def lengths(self):
        """How long a run takes: ours, the peer's, in seconds."""
        return statistics.median(pair[0] for pair in self.pairs), statistics.median(pair[2] for pair in self.pairs)

    def remarks(self):
        """What takes from the worth of a figure."""
        length = self.lengths()[1]
        remarks = []
        if self.wanted and not 0.74 * self.wanted <= length <= 1.5 * self.wanted:
            remarks.append(f"the peer ran {length:.2g} s, not {self.wanted:g}")
        if self.aborted:
            remarks.append(f"aborted {self.aborted} of {self.aborted + len(self.pairs)}")
        return "; ".join(remarks)

    def line(self):
        low, middle, high = self.time()
        goal = f"goal {self.goal:g}" if self.goal else ""
        ours, peer = self.lengths()
        remarks = self.remarks()
        return (f"{self.name:72s} {middle:6.2f} ({low:.2f} to {high:.2f})  {goal:9s} per core {self.core()[1]:6.2f}"
                f"  {self.speeds():>18s}  ran {ours:.2f} s, {peer:.2f} s  peer: {self.peer}{'; ' + remarks if remarks else ''}")


def thousands(rate):
    return f"{rate / 1000:,.0f}" if rate >= 10_000 else f"{rate / 1000:,.1f}"


def markdown(results):
    yield ("| cell | peer | goal | ratio: median (quartiles) | per core | thousand requests a second: ours, peer | ran s: ours, peer "
           "| pairs | |")
    yield "|---|---|---|---|---|---|---|---|---|"
    for result in results:
        low, middle, high = result.time()
        core = result.core()
        ours, peer = result.lengths()
        goal = f"{result.goal:g}" if result.goal else ""
        yield (f"| {result.name} | {result.peer} | {goal} | **{middle:.2f}** ({low:.2f} to {high:.2f}) "
               f"| {core[1]:.2f} ({core[0]:.2f} to {core[2]:.2f}) | {result.speeds()} | {ours:.2f}, {peer:.2f} | {len(result.pairs)} | {result.remarks()} |")


def machine():
    """Processor, cores, kernel, versions of the tools."""
    def first_line(*command):
        try:
            return subprocess.run(command, capture_output=True, text=True).stdout.splitlines()[0]
        except (OSError, IndexError):
            return "no " + command[0]

    with open("/proc/cpuinfo", encoding="utf-8") as cpuinfo:
        text = cpuinfo.read()
    model = re.search(r"model name\s*: (.*)", text)
    return (f"{model[1] if model else platform.machine()}, {text.count('processor')} cores, Linux {platform.release()}; "
            f"{first_line('qemu-img', '--version')}; {first_line('fio', '--version')}")


ROW, LEFT, WIDTH, TOP = 22, 430, 900, 44


def chart(title, results):
    """Bars of the ratios with whiskers from quartile to quartile; a line at 1 and ticks at the goals."""
    span = max([result.time()[2] for result in results] + [result.goal or 0 for result in results] + [1.2]) * 1.02
    height = TOP + ROW * len(results) + 24

    def x(value):
        return LEFT + value / span * (WIDTH - LEFT - 60)

    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12">'
    yield f'<rect width="{WIDTH}" height="{height}" fill="white"/>'
    yield f'<text x="10" y="20" font-size="15">{html.escape(title)}: peer\'s time : our time (above 1: we are faster)</text>'
    for row, result in enumerate(results):
        y = TOP + row * ROW
        low, middle, high = result.time()
        reached = result.goal is None or middle >= result.goal
        yield f'<text x="{LEFT - 8}" y="{y + 14}" text-anchor="end">{html.escape(result.name)}</text>'
        yield f'<rect x="{LEFT}" y="{y + 3}" width="{x(middle) - LEFT:.1f}" height="15" fill="{"#4a90c2" if reached else "#d08a4a"}"/>'
        yield f'<path d="M{x(low):.1f} {y + 10.5}H{x(high):.1f}" stroke="black"/>'
        if result.goal:
            yield f'<path d="M{x(result.goal):.1f} {y + 1}v19" stroke="#b00" stroke-width="2"/>'
        yield f'<text x="{x(max(high, result.goal or 0)) + 6:.1f}" y="{y + 14}">{middle:.2f}</text>'
    bottom = TOP + ROW * len(results)
    yield f'<path d="M{x(1):.1f} {TOP - 6}V{bottom + 4}" stroke="#666" stroke-dasharray="4 3"/>'
    yield f'<text x="{x(1):.1f}" y="{bottom + 18}" text-anchor="middle" fill="#666">1</text>'
    yield "</svg>"


def earlier(directory):
    """What runs before this one left in the directory, by name."""
    found = directory / "results.json"
    return {entry["name"]: Result(**entry) for entry in json.loads(found.read_text(encoding="utf-8"))} if found.exists() else {}


def write(directory, results, names):
    """results.md, results.json, and one chart for each group, of these results and of cells that earlier runs measured."""
    directory.mkdir(parents=True, exist_ok=True)
    known = earlier(directory) | {result.name: result for result in results}
    results = [known[name] for name in names if name in known]
    (directory / "results.md").write_text("\n".join([machine() + ".", "", *markdown(results)]) + "\n", encoding="utf-8")
    (directory / "results.json").write_text(json.dumps([asdict(result) for result in results], indent=1) + "\n", encoding="utf-8")
    for group in dict.fromkeys(result.group for result in results):
        members = [result for result in results if result.group == group]
        name = re.sub(r"[^a-z]+", "-", group.lower()).strip("-")
        (directory / f"{name}.svg").write_text("\n".join(chart(group, members)) + "\n", encoding="utf-8")
