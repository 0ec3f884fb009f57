//! A configuration file says what the builder says, and its errors say where they are.

mod support;

use nexlog::{
    Archive, Builder, Color, Compression, Config, Console, DAY, Error, File, FlightRecorder, Keep,
    Level, MIB, Mode, Overflow, Period, Rotate, SpanRecords, TraceSampling, builder, info, warn,
};
use std::time::Duration;
use support::{Folder, PATIENCE, child, lines};

support::child::harness! {
    tests: [
        every_option_of_the_logger_is_taken,
        every_option_of_a_console_is_taken,
        every_option_of_a_file_is_taken,
        what_is_left_out_is_as_the_builder_has_it,
        what_is_in_effect_can_be_read_again,
        an_error_names_line_key_and_what_is_known,
        what_the_builder_finds_wrong_has_its_line_and_key_too,
        a_file_that_is_not_there_is_named,
        formats_and_their_options_are_those_of_the_sinks,
        a_logger_of_a_file_logs,
        init_reads_the_file_that_the_environment_names,
        a_watched_file_is_read_again_for_its_filter,
    ],
    scenes: [by_environment, watched],
}

fn parse(text: &str) -> Config {
    Config::parse(text, "nexlog.toml").unwrap()
}

/// The file is the same as the calls.
#[track_caller]
fn assert_same(text: &str, calls: impl std::borrow::Borrow<Builder>) {
    assert_eq!(format!("{:?}", parse(text).builder()), format!("{:?}", calls.borrow()), "{text}");
}

fn plain() -> Builder {
    builder().filter("info")
}

fn every_option_of_the_logger_is_taken() {
    assert_same("", plain());
    assert_same("filter = 'warn,a::b=trace'", builder().filter("warn,a::b=trace"));
    assert_same("filter_env = 'SHOP'", plain().filter_env("SHOP"));
    assert_same("filter_file = '/run/filter'", plain().filter_file("/run/filter"));
    assert_same("mode = 'buffered'", plain().mode(Mode::Buffered));
    assert_same("mode = 'background'", plain().mode(Mode::Background));
    assert_same("overflow = 'drop_newest'", plain().overflow(Overflow::DropNewest));
    assert_same("overflow = 'drop_oldest'", plain().overflow(Overflow::DropOldest));
    assert_same("lane_bytes = '2 MiB'", plain().lane_bytes(2 * MIB));
    assert_same("max_record_bytes = 4096", plain().max_record_bytes(4096));
    assert_same("flush_level = 'ERROR'", plain().flush_level(Level::Error));
    assert_same("flush_interval = '1h 2s'", plain().flush_interval(Duration::from_secs(3602)));
    assert_same("report_interval = '1 min'", plain().report_interval(Duration::from_secs(60)));
    assert_same("report_suppressed = '5s'", plain().report_suppressed(Duration::from_secs(5)));
    assert_same("sample_traces = 0.25", plain().sample_traces(0.25));
    assert_same(
        "flight_recorder = { records = 9, level = 'debug', trigger = 'warn', on_panic = false }",
        plain().flight_recorder(
            FlightRecorder::records(9).level(Level::Debug).trigger(Level::Warn).on_panic(false),
        ),
    );
    let bytes = FlightRecorder::bytes(MIB);
    assert_same("[flight_recorder]\nbytes = '1 MiB'", plain().flight_recorder(bytes));
    assert_same("crash_safe = false", plain().crash_safe(false));
    assert_same("crash_dir = '/dev/shm'", plain().crash_dir("/dev/shm"));
    assert_same("hostname = true", plain().hostname());
    assert_same("pid = true", plain().pid());
    assert_same("spans = 'on_close'", plain().spans(SpanRecords::OnClose));
    assert_same("spans = 'on_enter_and_close'", plain().spans(SpanRecords::OnEnterAndClose));
    assert_same("max_value_bytes = '4 KiB'", plain().max_value_bytes(4 << 10));
    assert_same("redact = ['password', '*.token']", plain().redact(["password", "*.token"]));
    assert_same(
        "[field]\nservice = 'shop'\nshard = 3\nweight = 0.5\nlive = true\ntags = ['a', 'b']",
        plain()
            .field("live", true)
            .field("service", "shop")
            .field("shard", 3)
            .field("tags", ["a", "b"])
            .field("weight", 0.5),
    );
}

fn every_option_of_a_console_is_taken() {
    assert_same("[console]", plain().console(Console::stderr()));
    assert_same("[console]\nstream = 'stdout'", plain().console(Console::stdout()));
    let two = plain().console(Console::stdout().level(Level::Warn).color(Color::Never)).console(
        Console::stderr()
            .filter("off,db=trace")
            .dedup(Duration::from_secs(1))
            .sample_traces(0.5)
            .color(Color::Always),
    );
    let text = "
        [[console]]
        stream = 'stdout'
        level = 'warn'
        color = 'never'
        [[console]]
        filter = 'off,db=trace'
        dedup = '1s'
        sample_traces = 0.5
        color = 'always'
    ";
    assert_same(text, two);
}

fn every_option_of_a_file_is_taken() {
    type Option = fn(File) -> File;
    let options: [(&str, Option); 20] = [
        ("", |file| file),
        ("level = 'debug'", |file| file.level(Level::Debug)),
        ("filter = 'a=info'", |file| file.filter("a=info")),
        ("dedup = '10s'", |file| file.dedup(Duration::from_secs(10))),
        ("sample_traces = 1", |file| file.sample_traces(1.0)),
        ("sample_traces = { ratio = 0.5, keep_level = 'warn' }", |file| {
            file.sample_traces(TraceSampling::ratio(0.5).keep_level(Level::Warn))
        }),
        ("mode = '0640'", |file| file.mode(0o640)),
        ("mode = 0o640", |file| file.mode(0o640)),
        ("archive = 'sequence'", |file| file.archive(Archive::sequence())),
        ("archive = 'a-%F.log'", |file| file.archive(Archive::dated("a-%F.log"))),
        ("compress = 'gzip'", |file| file.compress(Compression::Gzip)),
        ("compress = 'zstd'", |file| file.compress(Compression::Zstd)),
        ("preallocate = '1 MiB'", |file| file.preallocate(MIB)),
        ("mapped = true", |file| file.mapped(true)),
        ("reopen_on_hangup = true", File::reopen_on_hangup),
        ("rotate = { size = '10 MB' }", |file| file.rotate(Rotate::size(10_000_000))),
        ("rotate.every = 'week'\nrotate.local = true", |file| {
            file.rotate(Rotate::every(Period::Week).local())
        }),
        ("[file.rotate]\nat_start = true\nevery = 'hour'", |file| {
            file.rotate(Rotate::at_start().or_every(Period::Hour))
        }),
        ("keep = { files = 5 }", |file| file.keep(Keep::files(5))),
        ("[file.keep]\ntotal = '1 MiB'\nmax_age = '30 days'", |file| {
            file.keep(Keep::all().total_bytes(MIB).max_age(30 * DAY))
        }),
    ];
    for (text, option) in options {
        let text = format!("[file]\npath = 'logs/app.log'\n{text}");
        assert_same(&text, plain().file(option(File::at("logs/app.log"))));
    }
}

fn what_is_left_out_is_as_the_builder_has_it() {
    let text = parse("").to_string();
    for line in [
        "filter = \"info\"",
        "mode = \"immediate\"",
        "overflow = \"block\"",
        "lane_bytes = \"1 MiB\"",
        "max_record_bytes = \"1 MiB\"",
        "flush_interval = \"100ms\"",
        "crash_safe = true",
        "spans = \"none\"",
    ] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
}

fn what_is_in_effect_can_be_read_again() {
    let whole = include_str!("../examples/nexlog.toml");
    for text in ["", "[console]", whole] {
        let printed = parse(text).to_string();
        let again =
            Config::parse(&printed, "nexlog.toml").unwrap_or_else(|e| panic!("{e}: {printed}"));
        assert_eq!(again.to_string(), printed);
        assert_eq!(format!("{:?}", again.builder()), format!("{:?}", parse(text).builder()));
    }
}

#[track_caller]
fn assert_problem(text: &str, line: usize, key: &str, part: &str) {
    let error = Config::parse(text, "conf/nexlog.toml").map(|_| ()).unwrap_err();
    let Error::Config { line: at, key: of, problem, .. } = &error else { panic!("{error}") };
    assert_eq!((*at, of.as_str()), (line, key), "{error}");
    assert!(problem.contains(part), "{error}");
    let place = if key.is_empty() { String::new() } else { format!(", key `{key}`") };
    let start = format!("`conf/nexlog.toml`, line {line}{place}: ");
    assert!(error.to_string().starts_with(&start), "{error}");
    assert!(!error.to_string().contains('\n'), "{error}");
}

fn an_error_names_line_key_and_what_is_known() {
    assert_problem("a = ", 1, "", "");
    assert_problem("mode = 'buffered'\nmode = 'buffered'", 2, "", "duplicate key");
    assert_problem("\n\nmoed = 'x'", 3, "moed", "expected one of `filter`");
    assert_problem("mode = 'backgroud'", 1, "mode", "expected one of `immediate`");
    assert_problem("filter = 'inof'", 1, "filter", "inof");
    assert_problem("lane_bytes = '1 Mb/s'", 1, "lane_bytes", "64 KiB");
    assert_problem("lane_bytes = -1", 1, "lane_bytes", "bytes, as a number");
    assert_problem("lane_bytes = '99999999999 GiB'", 1, "lane_bytes", "99999999999 GiB");
    assert_problem("flush_interval = 100", 1, "flush_interval", "a time with its unit");
    assert_problem("flush_interval = '5'", 1, "flush_interval", "a time with its unit");
    assert_problem("[console]\n\nlevel = 'wran'", 3, "console.level", "wran");
    assert_problem("[[file]]\npath = 'a'\n[[file]]\nlevel = 'info'", 3, "file[1]", "`path`");
    assert_problem("[[file]]\npath = 'a'\n[[file]]\npath = 3", 4, "file[1].path", "invalid type");
    assert_problem("[file]\npath = 'a'\nmode = '999'", 3, "file.mode", "octal");
    assert_problem("[file]\npath = 'a'\nmode = 640", 3, "file.mode", "octal");
    assert_problem("[file]\npath = 'a'\nrotate = { sise = 1 }", 3, "file.rotate.sise", "`size`");
    assert_problem("[file]\npath = 'a'\n[file.rotate]\nsize = 'x'", 4, "file.rotate.size", "x");
    assert_problem("[file]\npath = 'a'\nformat = 'jsno'", 3, "file.format", "`json`");
    assert_problem(
        "[file]\npath = 'a'\n[file.format.json]\nkey = 1",
        4,
        "file.format.json.key",
        "ts_key",
    );
    assert_problem(
        "[file]\npath = 'a'\nformat = 'pattern'",
        3,
        "file.format",
        "a pattern has a text",
    );
    assert_problem(
        "[file]\npath = 'a'\nformat = { logfmt = { pretty = 1 } }",
        3,
        "file.format.logfmt.pretty",
        "ts_key",
    );
    assert_problem("flight_recorder = { level = 'info' }", 1, "flight_recorder", "state `records`");
    assert_problem(
        "flight_recorder = { records = 1, bytes = 1 }",
        1,
        "flight_recorder",
        "one of them",
    );
    assert_problem("sample_traces = 1.5", 1, "sample_traces", "from 0.0 to 1.0");
    assert_problem("[file]\npath = 'a'\nformat = {}", 3, "file.format", "no format");
    assert_problem("filter_file = 'a'\nwatch = true", 2, "watch", "`filter_file`");
    assert_problem("file = 3", 1, "file", "[[file]]");
}

fn what_the_builder_finds_wrong_has_its_line_and_key_too() {
    let error = |text: &str| parse(text).build().map(|_| ()).unwrap_err().to_string();
    let small = error("pid = true\nlane_bytes = 5");
    assert!(small.starts_with("`nexlog.toml`, line 2, key `lane_bytes`: 5 bytes"), "{small}");
    let pattern = error("pid = true\nredact = ['a', 'b..c']");
    assert!(pattern.starts_with("`nexlog.toml`, line 2, key `redact`: "), "{pattern}");
    assert!(pattern.contains("`b..c`"), "{pattern}");
    let folder = Folder::new();
    let path = folder.file("app.log");
    let text = format!("[[file]]\npath = '{}'\n[file.rotate]\nsize = 7", path.display());
    let small = error(&text);
    assert!(
        small.starts_with("`nexlog.toml`, line 3, key `file[0].rotate`: a size of 7"),
        "{small}"
    );
}

fn a_file_that_is_not_there_is_named() {
    let error = Config::read("no/such/nexlog.toml").unwrap_err().to_string();
    assert!(error.starts_with("cannot read the configuration `no/such/nexlog.toml`"), "{error}");
}

fn formats_and_their_options_are_those_of_the_sinks() {
    let folder = Folder::new();
    let formats = [
        ("format = 'json'", r#""level":"WARN""#),
        ("format.json = { level_key = 'severity' }", r#""severity":"WARN""#),
        ("format.json = { ts_key = 'at' }", r#"{"at":"#),
        ("format.json = { msg_key = 'text' }", r#""text":"low""#),
        ("format.json = { target_key = 'logger' }", r#""logger":"config""#),
        ("format.json = { precision = 'seconds' }", r#"Z","level""#),
        ("format.json = { source = true }", r#""file":"tests/config.rs""#),
        ("format.json = { thread = true }", r#""thread_id":"#),
        ("format.json = { nested_under = 'of' }", r#""of":{"stock":3}"#),
        ("format.json = { span_path = true }", r#""span":"outer:inner""#),
        ("format.json = { pretty = true }", "\n  \"level\""),
        ("format = 'ecs'", "\"ecs.version\""),
        ("format.ecs = { service = 'till' }", "\"service.name\":\"till\""),
        ("format = 'gcp'", "\"severity\":\"WARNING\""),
        ("format = 'otel'", "\"SeverityNumber\":13"),
        ("format = 'bunyan'", "\"v\":0"),
        ("format = 'pino'", "\"level\":40"),
        ("format = 'logfmt'", "level=warn target=config msg=\"low\" stock=3"),
        (
            "format.logfmt = { msg_key = 'text', thread = true }",
            "text=\"low\" thread=main thread_id=1 stock=3",
        ),
        ("format = 'full'", "low"),
        ("format = 'pretty'", "\n    stock"),
        ("format.pattern = '<{level}|{msg}|{stock}>'", "<WARN|low|3>\n"),
        ("format.pattern = { text = '{msg}:{fields}', key_separator = '~' }", "low:stock~3"),
        (
            "format.text = { field_separator = ' | ', key_separator = ': ' }",
            "stock: 3 | span: inner",
        ),
        ("format = 'text'", "WARN  config: low stock=3"),
        ("format.text = { time = false, target = false }", "WARN  low stock=3"),
        ("format.text = { source = true }", "tests/config.rs:"),
        ("format.text = { thread = true }", "[main#"),
        ("format.text = { span_path = true }", "outer:inner"),
        ("format.text = { precision = 'seconds' }", "Z WARN"),
    ];
    for (index, (format, expected)) in formats.into_iter().enumerate() {
        let path = folder.file(&format!("{index}.log"));
        let config = format!("[file]\npath = '{}'\n{format}", path.display());
        let logger = parse(&config).build().unwrap();
        let outer = nexlog::span!("outer");
        outer.in_scope(|| {
            nexlog::span!("inner").in_scope(|| warn!(logger(&logger), "low", stock = 3));
        });
        logger.flush(PATIENCE).unwrap();
        let written = std::fs::read_to_string(&path).unwrap();
        assert!(written.contains(expected), "{format}: {expected} in {written}");
        if format.contains("seconds") {
            assert!(!written.split("WARN").next().unwrap().contains('.'), "{written}");
        }
    }
}

fn a_logger_of_a_file_logs() {
    let folder = Folder::new();
    let (log, config) = (folder.file("app.log"), folder.file("nexlog.toml"));
    let text =
        format!("filter = 'warn'\n[field]\nservice = 'shop'\n[file]\npath = '{}'", log.display());
    std::fs::write(&config, text).unwrap();
    let logger = Config::read(&config).unwrap().build().unwrap();
    info!(logger(&logger), "left out");
    warn!(logger(&logger), "low", stock = 3);
    logger.flush(PATIENCE).unwrap();
    let records = lines::parse(&lines::of_file(&log));
    assert_eq!(lines::messages(&records), ["low"]);
    assert_eq!((&records[0]["service"], &records[0]["stock"]), (&"shop".into(), &3.into()));
}

fn watched() {
    let path = child::told("FILE");
    let text = "watch = true\nfilter_env = 'SHOP_LOG'\nmode = 'buffered'\nfilter = ";
    std::fs::write(&path, format!("{text}'warn'")).unwrap();
    let logger = Config::read(&path).unwrap().install().unwrap();
    let is = |level: Level| nexlog::explain("db", level).is_enabled();
    assert!(is(Level::Warn) && !is(Level::Info));
    std::fs::write(&path, format!("{text}'wran'")).unwrap();
    std::thread::sleep(Duration::from_millis(2500));
    assert!(is(Level::Warn) && !is(Level::Info), "a mistake changes nothing");
    std::fs::write(&path, format!("{text}'info,db=trace'")).unwrap();
    support::wait_until("the file to be read", || is(Level::Trace) || child::told("SHOP") == "set");
    eprintln!("{}", nexlog::explain("db", Level::Info));
    drop(logger);
}

fn a_watched_file_is_read_again_for_its_filter() {
    let folder = Folder::new();
    let file = folder.file("nexlog.toml");
    let file = file.to_str().unwrap();
    let outcome = child::run("watched", &[("FILE", file), ("SHOP", "")]).expect_success();
    let told: Vec<_> = outcome.stderr.lines().collect();
    assert_eq!(told.len(), 2, "{told:#?}");
    let place = format!("`{file}`, line 4, key `filter`: ");
    assert!(told[0].contains(&place) && told[0].contains("`warn`"), "{told:#?}");
    assert!(told[1].contains("passes: `db=trace` at column 6 of the file `"), "{told:#?}");
    let variables = [("FILE", file), ("SHOP", "set"), ("SHOP_LOG", "warn")];
    let outcome = child::run("watched", &variables).expect_success();
    assert!(outcome.stderr.ends_with("of the variable `SHOP_LOG`\n"), "{outcome:?}");
}

fn by_environment() {
    match nexlog::init() {
        Ok(_) => warn!("low", stock = 3),
        Err(error) => eprintln!("{error}"),
    }
}

fn init_reads_the_file_that_the_environment_names() {
    let folder = Folder::new();
    let config = folder.file("nexlog.toml");
    std::fs::write(&config, "[console]\nstream = 'stdout'\nformat = 'json'").unwrap();
    let variables = [("NEXLOG_CONFIG", config.to_str().unwrap()), ("NEXLOG_FORMAT", "text")];
    let outcome = child::run("by_environment", &variables).expect_success();
    assert!(outcome.stdout.contains(r#""msg":"low","stock":3"#), "{outcome:?}");
    std::fs::write(&config, "\n[consle]").unwrap();
    let outcome = child::run("by_environment", &variables).expect_success();
    assert!(outcome.stderr.contains("nexlog.toml`, line 2, key `consle`: unknown"), "{outcome:?}");
}
