//! Real readers understand what comes out: `jq`, Python's `json`, lnav, pino-pretty, and a parser of
//! logfmt. In CI each of them has to be there; elsewhere a test says that it was skipped, and how the
//! tool is installed.

mod support;

use nexlog::{Context, File, Format, Json, Level, Logfmt, Text, log};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use support::{Folder, is_installed, is_there};

support::child::harness! {
    tests: [
        jq_reads_every_json_layout,
        python_reads_every_json_layout_with_each_key_once,
        lnav_reads_json_with_its_levels_and_fields,
        lnav_reads_logfmt_by_itself,
        lnav_reads_text_with_its_levels_by_the_format_beside_this,
        pino_pretty_reads_what_is_laid_out_for_it,
        a_logfmt_parser_reads_the_same_keys_and_values,
    ],
    scenes: [],
}

/// Text that is hard to read back.
const HARD: &str = "a \"b\" \\ c\n\u{1b}[31m é\u{202e}\t{}";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[derive(Debug)]
struct Failed(Option<std::io::Error>);

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("cannot pay")
    }
}

impl std::error::Error for Failed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.as_ref().map(|error| error as _)
    }
}

/// A log of one record for each level, made in a trace and a span.
fn logged(folder: &Folder, format: impl Format) -> PathBuf {
    let path = folder.file("app.log");
    let logger =
        nexlog::builder().filter("trace").file(File::at(&path).format(format)).build().unwrap();
    let error = Failed(Some(std::io::Error::other("connection reset")));
    let caller = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let inside = Context::from_traceparent(&caller).unwrap().wrap(|| {
        let span = nexlog::span!("serve", request_id = "r-1");
        span.in_scope(|| {
            for level in Level::ALL {
                log!(
                    level,
                    logger(&logger),
                    target("shop::pay"),
                    "paid {} items",
                    3,
                    order_id = 42_u64,
                    hard = HARD,
                    ratio = 0.5,
                    tags = ["a b", "c"],
                    error = err(&error)
                );
            }
        });
    });
    inside();
    drop(logger);
    path
}

/// Runs a tool that was asked for before, and gives what it says.
#[track_caller]
fn run(command: &mut Command, input: Option<&Path>) -> String {
    let name = command.get_program().to_string_lossy().into_owned();
    let stdin = input.map_or(Stdio::null(), |path| std::fs::File::open(path).unwrap().into());
    let output = command.stdin(stdin).output().unwrap_or_else(|error| panic!("{name}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

fn presets() -> [(&'static str, Json); 6] {
    [
        ("msg", Json::new().source().thread()),
        ("message", Json::ecs().source().thread().service("shop")),
        ("message", Json::gcp().source().gcp_project("shop")),
        ("Body", Json::otel().source().thread().service("shop")),
        ("msg", Json::bunyan().source().service("shop")),
        ("msg", Json::pino().thread()),
    ]
}

fn jq_reads_every_json_layout() {
    if !is_there(&mut Command::new("jq"), "jq") {
        return;
    }
    for (message, json) in presets() {
        let folder = Folder::new();
        let path = logged(&folder, json);
        let filter = format!(
            "[.\"{message}\", (.hard // .Attributes.hard), (.ratio // .Attributes.ratio)] | @json"
        );
        let mut jq = Command::new("jq");
        let text = run(jq.args(["-r", &filter]), Some(&path));
        let expected = serde_json::json!(["paid 3 items", HARD, 0.5]);
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines, vec![expected; 6]);
    }
}

fn python_reads_every_json_layout_with_each_key_once() {
    const PROGRAM: &str = "
import json, sys
def once(pairs):
    keys = [key for key, _ in pairs]
    assert len(keys) == len(set(keys)), keys
    return dict(pairs)
for line in open(sys.argv[1], encoding='utf-8'):
    record = json.loads(line, object_pairs_hook=once, parse_constant=lambda text: 1 / 0)
    fields = record.get('Attributes', record)
    assert fields['hard'] == sys.argv[2], fields
    assert fields['order_id'] == 42 and fields['tags'] == ['a b', 'c'], fields
    print(json.dumps(record, sort_keys=True))
";
    if !is_there(&mut Command::new("python3"), "python3") {
        return;
    }
    for (_, json) in presets() {
        let folder = Folder::new();
        let path = logged(&folder, json);
        let mut python = Command::new("python3");
        python.args(["-c", PROGRAM]).arg(&path).arg(HARD);
        let text = run(&mut python, None);
        assert_eq!(text.lines().count(), 6);
    }
}

fn lnav(query: &str, path: &Path) -> Vec<serde_json::Value> {
    let home = Folder::new();
    let formats = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/readers/lnav");
    let mut lnav = Command::new("lnav");
    lnav.env("HOME", home.path()).env("TZ", "UTC").arg("-n").arg("-I").arg(formats);
    lnav.args(["-c", &format!(";{query}"), "-c", ":write-json-to -"]).arg(path);
    let text = run(&mut lnav, None);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

fn lnav_reads_json_with_its_levels_and_fields() {
    if !is_there(&mut Command::new("lnav"), "lnav") {
        return;
    }
    let folder = Folder::new();
    let path = logged(&folder, Json::new());
    let rows = lnav("SELECT log_level, log_format, target, order_id FROM nexlog_log", &path);
    let levels: Vec<&str> = rows.iter().map(|row| row["log_level"].as_str().unwrap()).collect();
    assert_eq!(levels, ["trace", "debug", "info", "warning", "error", "critical"]);
    assert!(rows.iter().all(|row| row["target"] == "shop::pay" && row["order_id"] == 42));
}

fn lnav_reads_logfmt_by_itself() {
    if !is_there(&mut Command::new("lnav"), "lnav") {
        return;
    }
    let folder = Folder::new();
    let path = logged(&folder, Logfmt::new());
    let rows = lnav("SELECT log_time, log_body, fields FROM logfmt_log", &path);
    assert_eq!(rows.len(), 6);
    for row in &rows {
        assert_eq!(row["fields"]["order_id"], 42, "{row}");
        assert_eq!(row["fields"]["target"], "shop::pay", "{row}");
        assert_eq!(row["fields"]["trace_id"], TRACE, "{row}");
    }
    let text = std::fs::read_to_string(&path).unwrap();
    let first = text.strip_prefix("ts=").and_then(|text| text.split_once('.')).unwrap().0;
    let time = rows[0]["log_time"].as_str().unwrap();
    assert!(time.starts_with(&first.replace('T', " ")), "{time} {first}");
}

fn lnav_reads_text_with_its_levels_by_the_format_beside_this() {
    if !is_there(&mut Command::new("lnav"), "lnav") {
        return;
    }
    for (format, place) in [
        (Text::compact(), false),
        (Text::full(), true),
        (Text::compact().local(), false),
        (Text::pretty(), false),
    ] {
        let folder = Folder::new();
        let path = logged(&folder, format);
        let query = "SELECT log_level, log_time, target, place FROM nexlog_text_log";
        let rows = lnav(query, &path);
        let levels: Vec<&str> = rows.iter().map(|row| row["log_level"].as_str().unwrap()).collect();
        assert_eq!(levels, ["trace", "debug", "info", "warning", "error", "critical"]);
        assert!(rows.iter().all(|row| row["target"] == "shop::pay"), "{rows:?}");
        assert!(rows.iter().all(|row| row["place"].is_string() == place), "{rows:?}");
        let text = std::fs::read_to_string(&path).unwrap();
        let first = text.split_once('.').unwrap().0.replace('T', " ");
        assert!(rows[0]["log_time"].as_str().unwrap().starts_with(&first), "{rows:?} {first}");
    }
}

fn pino_pretty_reads_what_is_laid_out_for_it() {
    if !is_installed(&mut Command::new("pino-pretty"), "npm install --global pino-pretty@13") {
        return;
    }
    for json in [Json::pino(), Json::pino().precision(nexlog::Precision::Micros), Json::bunyan()] {
        let folder = Folder::new();
        let path = logged(&folder, json);
        let mut pretty = Command::new("pino-pretty");
        pretty.args(["--colorize", "false", "--translateTime", "UTC:yyyy-mm-dd'T'HH:MM"]);
        let text = run(&mut pretty, Some(&path));
        let heads: Vec<&str> = text.lines().filter(|line| line.starts_with('[')).collect();
        assert_eq!(heads.len(), 6, "{text}");
        for (head, level) in heads.iter().zip(["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"])
        {
            assert!(head.starts_with("[20") && head.contains('T'), "{head}");
            assert!(head.contains(level) && head.ends_with("paid 3 items"), "{head}");
            assert!(head.contains(&std::process::id().to_string()), "{head}");
        }
        // The error is known as one: its stack has lines of its own.
        assert!(text.contains("Caused by: connection reset\n"), "{text}");
        assert!(text.contains("order_id: 42"), "{text}");
    }
}

/// This parser takes backslashes as they are, so the hard text is left out.
fn a_logfmt_parser_reads_the_same_keys_and_values() {
    let folder = Folder::new();
    let path = logged(&folder, Logfmt::new().span_path());
    let text = std::fs::read_to_string(&path).unwrap();
    for (line, level) in text.lines().zip(Level::ALL) {
        let pairs = logfmt::parse(line);
        let value = |key: &str| {
            let mut found = pairs.iter().filter(|pair| pair.key == key);
            let value = found.next().and_then(|pair| pair.val.as_deref()).unwrap_or_default();
            assert!(found.next().is_none(), "{key} twice in {line}");
            value
        };
        assert_eq!(value("level"), level.to_string().to_lowercase());
        for (key, expected) in [
            ("target", "shop::pay"),
            ("msg", "paid 3 items"),
            ("order_id", "42"),
            ("ratio", "0.5"),
            ("tags", "[\"a b\", c]"),
            ("error", "cannot pay: connection reset"),
            ("span", "serve"),
            ("request_id", "r-1"),
            ("trace_id", TRACE),
        ] {
            assert_eq!(value(key), expected, "{line}");
        }
        let keys: Vec<&str> = pairs.iter().map(|pair| pair.key.as_str()).collect();
        assert_eq!(keys.len(), 13, "{keys:?}");
    }
}
