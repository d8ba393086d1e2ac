"""From samples to the report: pure, values in and text out."""

from statistics import median

from rows import AtMost
from servers import SERVERS

TITLES = {server.name: server.title for server in SERVERS}


def ratios(samples, base, figure):
    """How many times better than `base` a server did, round by round: at a cost, less is better; at a rate, more."""
    pairs = [(getattr(mine, figure), getattr(other, figure)) for mine, other in zip(samples, base)]
    pairs = [(mine, other) for mine, other in pairs if mine > 0 and other > 0]
    return [mine / other if figure == "rate" else other / mine for mine, other in pairs]


def spread(values):
    if not values:
        return "-"
    return f"{median(values):.2f} [{min(values):.2f}..{max(values):.2f}]"


def errors_of(samples):
    return sorted({sample.errors for sample in samples if sample.errors})


def verdict(values, holds):
    """Yes or no by the median; the rounds that say otherwise are told."""
    if not values:
        return "not measured"
    against = sum(holds(value) != holds(median(values)) for value in values)
    word = "yes" if holds(median(values)) else "no"
    return f"{word} ({against} of {len(values)} rounds say otherwise)" if against else word


def judge(row, goal, by_server):
    """The goal in words, and whether it holds."""
    own = by_server.get("gatehouse", [])
    if isinstance(goal, AtMost):
        values = [getattr(sample, row.cost) for sample in own if not sample.errors]
        found = f"{median(values):.0f}" if values else "-"
        return f"at most {goal.limit:.0f} B (is {found})", verdict(values, lambda value: value <= goal.limit)
    figure = goal.figure or row.cost
    values = ratios(own, by_server.get(goal.of, []), figure)
    words = f"{goal.ratio:.2f} of {TITLES[goal.of]}" + ("'s throughput" if figure == "rate" else "")
    return f"{words} (is {spread(values)})", verdict(values, lambda value: value >= goal.ratio)


def goals_of(row, by_server):
    judged = [judge(row, goal, by_server) for goal in row.goals]
    if "gatehouse" in by_server and errors_of(by_server["gatehouse"]):
        judged = [(words, "no: errors") for words, _ in judged]
    return "<br>".join(words for words, _ in judged) or "-", "<br>".join(word for _, word in judged) or "-"


def table(header, lines):
    rule = ["---"] * len(header)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [header, rule, *lines])


def ratio_table(results, servers):
    """`results`: pairs of a row and its samples by server name, in the order they are shown."""
    lines = []
    for row, by_server in results:
        base = by_server.get(servers[0].name, [])
        cells = [f"`{row.name}` {row.title}"]
        for number, server in enumerate(servers):
            samples = by_server.get(server.name)
            if samples is None:
                cells.append("-")
                continue
            mark = " (errors)" if errors_of(samples) else ""
            cells.append(("1.00" if number == 0 else spread(ratios(samples, base, row.cost))) + mark)
        lines.append([*cells, *goals_of(row, by_server)])
    return table(["workload", *(server.title for server in servers), "gatehouse: at least", "holds"], lines)


def number(value, form="{:.0f}"):
    return form.format(value) if value else "-"


def raw_line(row, server, samples, base):
    middle = {
        figure: median(getattr(sample, figure) for sample in samples)
        for figure in ("cpu_us", "memory", "rate", "busy", "p50_us", "p99_us")
    }
    memory = row.cost == "memory"
    through = "-" if memory or row.everywhere else spread(ratios(samples, base, "rate"))
    return [
        f"`{row.name}`",
        server.title,
        number(middle["cpu_us"], "{:.2f}") + f" us/{row.unit}" if not memory else number(middle["memory"]) + " B",
        "-" if memory or row.everywhere else number(middle["rate"]) + f" {row.unit}/s",
        through,
        "-" if memory else f"{100 * middle['busy']:.0f} %",
        number(middle["p50_us"] / 1000, "{:.3f}"),
        number(middle["p99_us"] / 1000, "{:.3f}"),
        "; ".join(errors_of(samples)).replace("|", "/") or "none",
    ]


def raw_table(results, servers):
    lines = []
    for row, by_server in results:
        base = by_server.get(servers[0].name, [])
        lines += [raw_line(row, each, by_server[each.name], base) for each in servers if by_server.get(each.name)]
    header = ["workload", "server", "cost", "throughput", "of the first", "processor", "p50 ms", "p99 ms", "errors"]
    return table(header, lines)
