#!/usr/bin/env python3
"""What a thousand log lines cost a user's build and binary.

For each logger: one crate with N call sites of three fields (messages and keys all different;
u64, &str and bool in all six orders) and one with a single line. Beside them a crate without a
logger, `none`. All are built in the same run, in turn, several rounds.

    benches/build_cost.py                       nexlog and log
    benches/build_cost.py --all                 tracing and slog, too
    benches/build_cost.py --sites 500 --rounds 5 --kinds release --dir /tmp/build-cost

Printed are seconds over `none` (the least of the rounds: wall, CPU, and their ratio to those of
`log`), and bytes and relocations of a site more. Exits with 1 when nexlog
passes a limit: 100 bytes of .text, 1 relocation, and 1.5 seconds of release build over `none`;
where `log` itself takes longer than that in this run, its time is the limit.
"""

import argparse
import itertools
import os
import pathlib
import shutil
import string
import struct
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIMITS = {"text": 100.0, "relocations": 1.01, "seconds": 1.5}
KINDS = ["release", "dev", "incremental", "check"]
FUNCTIONS = 50
VERBS = ["shipped", "paid", "refused", "loaded", "cached", "parsed", "queued", "stored"]
NOUNS = ["order", "user", "packet", "block", "ticket", "page", "session", "batch"]


class Logger:
    """How a crate depends on a logger, sets it up, and writes a line."""

    def __init__(self, dependencies="", setup="", line="", handle=None):
        self.dependencies = dependencies
        self.setup = setup
        self.line = string.Template(line)
        # Parameter and argument of a logger that has no global.
        self.parameter, self.argument = handle or ("", "")


LOGGERS = {
    "none": Logger(),
    "nexlog": Logger(
        f'nexlog = {{ path = "{ROOT}/nexlog" }}',
        'nexlog::builder().file(nexlog::File::at("/dev/null")).install().unwrap();',
        'nexlog::$level!("$message", $a = $x, $b = $y, $c = $z);',
    ),
    "log": Logger(
        'log = { version = "0.4", features = ["kv"] }',
        """struct Quiet;
    impl log::Log for Quiet {
        fn enabled(&self, _: &log::Metadata) -> bool { true }
        fn log(&self, record: &log::Record) { black_box(record.key_values()); }
        fn flush(&self) {}
    }
    log::set_logger(&Quiet).unwrap();
    log::set_max_level(log::LevelFilter::Trace);""",
        'log::$level!($a = $x, $b = $y, $c = $z; "$message");',
    ),
    "tracing": Logger(
        'tracing = "0.1"\n'
        'tracing-subscriber = { version = "0.3", default-features = false, features = ["fmt"] }',
        "tracing_subscriber::fmt().init();",
        'tracing::$level!($a = $x, $b = $y, $c = $z, "$message");',
    ),
    "slog": Logger(
        'slog = { version = "2", features = ["max_level_trace", "release_max_level_trace"] }',
        "let logger = slog::Logger::root(slog::Discard, slog::o!());",
        'slog::$level!(logger, "$message"; "$a" => $x, "$b" => $y, "$c" => $z);',
        (", logger: &slog::Logger", ", &logger"),
    ),
}


def line_of(logger, number):
    """The call site with this number: a message and keys of its own."""
    verb, noun = VERBS[number % 8], NOUNS[number // 8 % 8]
    orders = list(itertools.permutations(["n", "text", "flag"]))
    x, y, z = orders[number % 6]
    return logger.line.substitute(
        level=["info", "debug", "warn", "info", "error"][number % 5],
        message=f"{noun} {verb}, no {number}",
        a=f"{noun}_id_{number}",
        b=f"{noun}_name_{number}",
        c=f"{noun}_ok_{number}",
        x=x,
        y=y,
        z=z,
    )


def generate(folder, name, sites, count):
    """Writes a crate: `count` statements over the functions, with lines behind the first `sites`."""
    logger = LOGGERS[name]
    package = folder / f"{name}-{sites}"
    shutil.rmtree(package / "src", ignore_errors=True)
    (package / "src").mkdir(parents=True)
    (package / "Cargo.toml").write_text(
        f'[package]\nname = "cost-{name}-{sites}"\nversion = "0.0.0"\nedition = "2024"\n'
        f"[dependencies]\n{logger.dependencies}\n[workspace]\n"
    )
    out = ["#![allow(unused_variables)]\nuse std::hint::black_box;\n"]
    for function in range(FUNCTIONS):
        out.append(
            "\n#[inline(never)]\n"
            f"fn f{function}(n: u64, text: &str, flag: bool{logger.parameter}) {{\n"
        )
        for number in range(function, count, FUNCTIONS):
            # Something for a line to stand next to, the same in all crates.
            out.append(f"    black_box(n ^ {number});\n")
            if number < sites:
                out.append(f"    {line_of(logger, number)}\n")
        out.append("}\n")
    out.append(f"\nfn main() {{\n    let constant = 1;\n    {logger.setup}\n")
    out.append("    let name = std::env::args().next().unwrap_or_default();\n")
    for function in range(FUNCTIONS):
        values = f"black_box(constant), &name, black_box(true){logger.argument}"
        out.append(f"    f{function}({values});\n")
    out.append("}\n")
    (package / "src/main.rs").write_text("".join(out))
    return package


def cargo(package, target, *arguments):
    """Runs cargo; gives seconds of wall time and of CPU."""
    environment = dict(os.environ, CARGO_TARGET_DIR=str(target))
    environment.pop("NEXLOG_STATIC", None)
    before, began = os.times(), time.monotonic()
    run = subprocess.run(
        ["cargo", *arguments], cwd=package, env=environment, capture_output=True, text=True
    )
    wall, after = time.monotonic() - began, os.times()
    if run.returncode:
        sys.exit(run.stderr)
    cpu = after.children_user + after.children_system
    return wall, cpu - before.children_user - before.children_system


def build(package, target, kind):
    """Builds only the package itself again, as `kind` says."""
    source = package / "src/main.rs"
    text = source.read_text()
    command = {"release": ["build", "--release"], "check": ["check"]}.get(kind, ["build"])
    if kind == "incremental":
        changed = text.replace("constant = 1;", "constant = 2;")
        if changed == text:
            changed = text.replace("constant = 2;", "constant = 1;")
        source.write_text(changed)
        return cargo(package, target, *command)
    # A dev build from nothing must not find the state of the one before.
    for state in (target / "debug/incremental").glob("cost_*"):
        shutil.rmtree(state)
    os.utime(source)
    return cargo(package, target, *command)


def sections(path):
    """Sizes of the sections of a 64-bit ELF file."""
    data = path.read_bytes()
    if data[:6] != b"\x7fELF\x02\x01":
        sys.exit(f"{path} is not a 64-bit ELF file")
    (table,) = struct.unpack_from("<Q", data, 0x28)
    entry, count, names = struct.unpack_from("<HHH", data, 0x3A)
    headers = [struct.unpack_from("<IIQQQQ", data, table + entry * i) for i in range(count)]
    base = headers[names][4]
    name = lambda at: data[at : data.index(b"\0", at)].decode()
    return {name(base + header[0]): header[5] for header in headers}


def weigh(name, options):
    """What a site adds to the binary of a program that logs already."""
    folder = pathlib.Path(options.dir)
    many, few = (
        sections(folder / f"target-{name}/release/cost-{name}-{sites}")
        for sites in (options.sites, 1)
    )
    grown = lambda *parts: sum(many.get(part, 0) - few.get(part, 0) for part in parts)
    return {
        "text": grown(".text") / (options.sites - 1),
        "data": grown(".data", ".data.rel.ro", ".rodata", ".bss") / (options.sites - 1),
        "relocations": grown(".rela.dyn") / 24 / (options.sites - 1),
    }


def measure(names, options):
    """The least wall and CPU seconds of each crate and kind of build; rounds in turn."""
    folder = pathlib.Path(options.dir)
    packages = {n: generate(folder, n, 0 if n == "none" else options.sites, options.sites) for n in names}
    targets = {n: folder / f"target-{n}" for n in names}
    least = {}
    for kind in options.kinds.split(","):
        for name in names:
            build(packages[name], targets[name], kind)  # dependencies, once
        for _ in range(options.rounds):
            for name in names:
                seconds = build(packages[name], targets[name], kind)
                least[name, kind] = tuple(map(min, least.get((name, kind), seconds), seconds))
    for name in names:
        if name != "none" and "release" in options.kinds:
            build(generate(folder, name, 1, options.sites), targets[name], "release")
    return least


def report(names, least, options):
    """Prints the tables; gives what passes a limit."""
    faults = []
    kinds = options.kinds.split(",")
    over = lambda name, kind, what: least[name, kind][what] - least["none", kind][what]
    print(f"{options.sites} sites of 3 fields, least of {options.rounds} rounds\n")
    print("| seconds over none | " + " | ".join(f"{kind} wall (CPU)" for kind in kinds) + " |")
    print("| --- |" + " --: |" * len(kinds))
    for name in names:
        cells = []
        for kind in kinds:
            if name == "none":
                wall, cpu = least[name, kind]
                cells.append(f"itself {wall:.2f} ({cpu:.2f})")
                continue
            wall, cpu = over(name, kind, 0), over(name, kind, 1)
            ratios = [over(name, kind, what) / over("log", kind, what) for what in (0, 1)]
            times = f", × log {ratios[0]:.2f} ({ratios[1]:.2f})" if name != "log" else ""
            cells.append(f"{wall:.2f} ({cpu:.2f}){times}")
        print(f"| {name} | " + " | ".join(cells) + " |")
    if "release" not in kinds:
        return faults
    print("\n| a site | .text bytes | data bytes | relocations |\n| --- | --: | --: | --: |")
    for name in names[1:]:
        size = weigh(name, options)
        row = (f"{size['text']:.1f}", f"{size['data']:.1f}", f"{size['relocations']:.2f}")
        print(f"| {name} | " + " | ".join(row) + " |")
        if name == "nexlog":
            faults += [
                f"{what}: {size[what]:.2f} a site, the limit is {LIMITS[what]:g}"
                for what in ("text", "relocations")
                if size[what] > LIMITS[what]
            ]
    seconds, limit = over("nexlog", "release", 0), LIMITS["seconds"] * options.sites / 1000
    if seconds > max(limit, over("log", "release", 0)):
        faults.append(f"release build: {seconds:.2f} s over none, the limit is {limit:.2f} or log's")
    return faults


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--sites", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kinds", default="release,dev,incremental", help=",".join(KINDS))
    parser.add_argument("--dir", default="/tmp/nexlog-build-cost")
    parser.add_argument("--all", action="store_true", help="tracing and slog, too")
    options = parser.parse_args()
    names = ["none", "nexlog", "log"] + (["tracing", "slog"] if options.all else [])
    faults = report(names, measure(names, options), options)
    for fault in faults:
        print(f"too much: {fault}")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
