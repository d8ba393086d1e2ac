"""What tests measure and nobody asserts: shown after the run and kept in its JUnit file."""


def spread(seconds):
    """The middle and the worst of many durations, in words."""
    ordered = sorted(seconds)

    def part(share):
        return f"{1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]:.1f} ms"

    return f"p50 {part(0.50)}, p99 {part(0.99)}, longest {part(1.0)}, of {len(ordered)}"


def show(terminalreporter):
    """For conftest's pytest_terminal_summary."""
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, value in getattr(report, "user_properties", ()):
            terminalreporter.write_line(f"{report.nodeid.split('::')[-1]}: {name}: {value}")
