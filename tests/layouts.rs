//! Layouts end to end: what is stored is never coloured, a bad option is told when the logger is
//! built, and context reaches patterns.

mod support;

use nexlog::{
    AnsiColor, Color, Console, Error, File, Format, Json, Level, Logfmt, Memory, Style, Text,
    Theme, error, info, warn,
};
use support::child::{self, told};
use support::{Folder, PATIENCE, lines};

support::child::harness! {
    tests: [
        a_file_is_never_coloured,
        a_console_is_coloured_by_its_theme_as_the_environment_says,
        init_takes_every_format_by_name,
        local_times_are_those_of_the_systems_zone,
        a_bad_pattern_is_told_at_build_with_its_place_and_leaves_nothing,
        an_option_without_a_place_is_told_at_build,
        a_pattern_shows_fields_of_the_record_its_context_and_its_logger,
        a_pattern_macro_gives_what_the_function_takes,
        context_and_its_trace_reach_every_preset,
        a_map_has_each_key_once_wherever_it_comes_from,
        a_panic_in_a_placeholder_costs_its_record_only,
    ],
    scenes: [everything_coloured, themed_console, from_the_environment, local],
}

/// Loud colours in every part.
fn loud() -> Theme {
    let style = Style::new().fg(AnsiColor::BrightRed).bold();
    let theme = Theme::new().time(style).target(style).message(style).key(style);
    Level::ALL.into_iter().fold(theme, |theme, level| theme.level(level, style))
}

fn coloured_formats() -> Vec<(&'static str, Text)> {
    vec![
        ("compact", Text::compact().theme(loud())),
        ("full", Text::full().theme(loud())),
        ("pretty", Text::pretty().theme(loud())),
        ("pattern", nexlog::pattern!("{ts:%T} {level:>5} {target} {msg} {fields}").theme(loud())),
    ]
}

fn everything_coloured() {
    let folder = std::path::PathBuf::from(told("FOLDER"));
    let mut builder = nexlog::builder();
    for (name, format) in coloured_formats() {
        builder = builder
            .file(File::at(folder.join(name)).format(format.clone()))
            .console(Console::stdout().color(Color::Always).format(format));
    }
    let logger = builder.build().unwrap();
    error!(logger(&logger), "a\x1b[31m{}", "\x1b[0m", key = "\u{9b}31m", ("k\x1b[1m") = 1);
}

fn a_file_is_never_coloured() {
    let folder = Folder::new();
    let path = folder.path().display().to_string();
    let variables = [("FOLDER", path.as_str()), ("CLICOLOR_FORCE", "1"), ("TERM", "xterm")];
    let outcome = child::run("everything_coloured", &variables).expect_success();
    assert!(
        outcome.stdout.matches('\u{1b}').count() > 40,
        "the console shows colours: {outcome:?}"
    );
    for (name, _) in coloured_formats() {
        let text = std::fs::read_to_string(folder.file(name)).unwrap();
        assert!(text.contains("a\\u{1b}[31m") && text.contains("key="), "{text}");
        assert!(!text.contains(['\u{1b}', '\u{9b}']), "{name} has control characters: {text:?}");
    }
    // And `init` with everything that asks for colours.
    let file = folder.file("init.log").display().to_string();
    for format in ["text", "logfmt", "json"] {
        let _ = std::fs::remove_file(&file);
        let variables = [
            ("NEXLOG_FILE", file.as_str()),
            ("NEXLOG_FORMAT", format),
            ("NEXLOG_COLOR", "always"),
            ("CLICOLOR_FORCE", "1"),
        ];
        child::run("from_the_environment", &variables).expect_success();
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains("hello") && !text.contains('\u{1b}'), "{text:?}");
    }
}

fn themed_console() {
    let theme = Theme::plain().level(Level::Warn, Style::new().fg(AnsiColor::Rgb(1, 2, 3)));
    let console = Console::stdout().format(Text::compact().time(false).theme(theme));
    let logger = nexlog::builder().console(console).build().unwrap();
    warn!(logger(&logger), target("t"), "hello", a = 1);
}

fn a_console_is_coloured_by_its_theme_as_the_environment_says() {
    let shown = |variables: &[(&str, &str)]| {
        child::run("themed_console", variables).expect_success().stdout
    };
    let coloured = "\u{1b}[38;2;1;2;3mWARN\u{1b}[0m  t: hello a=1\n";
    let plain = "WARN  t: hello a=1\n";
    assert_eq!(shown(&[("CLICOLOR_FORCE", "1")]), coloured);
    assert_eq!(shown(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]), plain);
    assert_eq!(shown(&[]), plain, "a pipe is no terminal");
}

fn from_the_environment() {
    nexlog::init().unwrap();
    info!(target("t"), "hello there", a = 1);
}

fn init_takes_every_format_by_name() {
    let stderr = |format: &str| {
        let variables = [("NEXLOG_FORMAT", format)];
        child::run("from_the_environment", &variables).expect_success().stderr
    };
    let logfmt = stderr("logfmt");
    assert!(logfmt.starts_with("ts=20"), "{logfmt}");
    assert!(logfmt.ends_with(" level=info target=t msg=\"hello there\" a=1\n"), "{logfmt}");
    assert!(stderr("json").contains("\"msg\":\"hello there\",\"a\":1}\n"));
    assert!(stderr("text").ends_with(" INFO  t: hello there a=1\n"));
    let folder = Folder::new();
    let file = folder.file("a.log").display().to_string();
    child::run("from_the_environment", &[("NEXLOG_FORMAT", "LOGFMT"), ("NEXLOG_FILE", &file)])
        .expect_success();
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.ends_with(" level=info target=t msg=\"hello there\" a=1\n"), "{text}");
}

fn local() {
    let formats: [Box<dyn Fn() -> Console>; 5] = [
        Box::new(|| Console::stdout().format(Json::new().local())),
        Box::new(|| Console::stdout().format(Logfmt::new().local())),
        Box::new(|| Console::stdout().format(Text::compact().local())),
        Box::new(|| Console::stdout().format(Text::pattern("{ts} {ts:%z %Z} {msg}").local())),
        Box::new(|| Console::stdout().format(Json::ecs().local())),
    ];
    for format in formats {
        let logger = nexlog::builder().console(format()).build().unwrap();
        info!(logger(&logger), "now");
    }
}

fn local_times_are_those_of_the_systems_zone() {
    let outcome = child::run("local", &[("TZ", "<+0545>-5:45")]).expect_success();
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    assert_eq!(lines.len(), 5);
    for line in &lines {
        assert!(line.contains("+05:45") && !line.contains('Z'), "{line}");
    }
    assert!(lines[3].ends_with(" +0545 +0545 now"), "{}", lines[3]);
    let utc = child::run("local", &[("TZ", "UTC0")]).expect_success().stdout;
    let hour = |line: &str| line.split_once('T').unwrap().1[..2].parse::<u32>().unwrap();
    let ahead = (24 + hour(lines[0]) - hour(utc.lines().next().unwrap())) % 24;
    assert!((5..=7).contains(&ahead), "{ahead} hours ahead");
}

#[track_caller]
fn refused(format: impl Format) -> String {
    let folder = Folder::new();
    let path = folder.file("app.log");
    let built = nexlog::builder().file(File::at(&path).format(format)).build();
    let error = built.expect_err("the logger is not built");
    assert!(matches!(error, Error::Option { .. }));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "something is left behind");
    error.to_string()
}

fn a_bad_pattern_is_told_at_build_with_its_place_and_leaves_nothing() {
    for (pattern, text) in [
        ("{level} {msg", "option `pattern`: column 9: `{msg`: it does not end"),
        ("{level}} {msg}", "option `pattern`: column 8: `}`: nothing begins here"),
        ("{ts:%H:%Q}", "option `pattern`: column 1: `{ts:%H:%Q}`: `%Q` is no part of a time"),
        ("{msg} {}", "option `pattern`: column 7: `{}`: it names nothing"),
        ("{msg:>wide}", "option `pattern`: column 1: `{msg:>wide}`: `>wide` is no alignment"),
        ("a\n{msg}", "option `pattern`: column 2: `\\n`: control characters are not written"),
    ] {
        let told = refused(Text::pattern(pattern));
        assert!(told.starts_with(text), "{told}");
    }
}

fn an_option_without_a_place_is_told_at_build() {
    for (format, text) in [
        (Text::pattern("{msg}").thread(), "option `thread`: the pattern says"),
        (Text::compact().field_separator(""), "option `field_separator`: it is empty"),
        (Text::compact().placeholder("x", |_, _| Ok(())), "option `placeholder`: `x`: "),
    ] {
        let told = refused(format);
        assert!(told.starts_with(text), "{told}");
    }
    let told = refused(Json::ecs().gcp_project("shop"));
    assert!(told.starts_with("option `gcp_project`: only `Json::gcp()`"), "{told}");
}

fn memory_with(format: impl Format) -> (nexlog::Logger, Memory) {
    let memory = Memory::new();
    let logger = nexlog::builder()
        .sink(memory.clone().format(format))
        .field("service", "shop")
        .field("pid", 4711)
        .build()
        .unwrap();
    (logger, memory)
}

fn a_pattern_shows_fields_of_the_record_its_context_and_its_logger() {
    let (logger, memory) = memory_with(
        Text::pattern("{service}/{pid} [{request_id}] {span}:{user.id?:>4}: {msg} | {fields}")
            .span_path(),
    );
    let outer = nexlog::span!("serve", request_id = "r-1", tenant = "acme");
    outer.in_scope(|| {
        info!(logger(&logger), "one", user.id = 7, a = 1);
        let _scope = nexlog::context!(request_id = "r-2");
        nexlog::span!("pay").in_scope(|| info!(logger(&logger), "two", tenant = "own"));
    });
    info!(logger(&logger), "three");
    logger.flush(PATIENCE).unwrap();
    assert_eq!(
        memory.lines(),
        [
            "shop/4711 [r-1] serve:   7: one | a=1 tenant=acme",
            "shop/4711 [r-2] serve:pay:    : two | tenant=own",
            "shop/4711 [-] -:    : three |",
        ]
    );
}

fn a_pattern_macro_gives_what_the_function_takes() {
    assert_eq!(nexlog::pattern!("{level} {msg}"), Text::pattern("{level} {msg}"));
    assert_eq!(nexlog::pattern!(r#"{{"{msg}""#,), Text::pattern("{{\"{msg}\""));
    // It is a format by itself, and a pattern's source may be a text of any kind.
    let twice = Text::pattern(nexlog::pattern!("{level} {msg}"));
    let text = String::from("{level} {msg}");
    assert_eq!(twice, Text::pattern(&text));
    assert_eq!(twice, Text::pattern(text));
    macro_rules! through {
        ($pattern:literal) => {
            nexlog::pattern!($pattern)
        };
    }
    assert_eq!(through!("{level:>5}"), Text::pattern("{level:>5}"));
}

fn context_and_its_trace_reach_every_preset() {
    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    for (json, trace, span_id, name) in [
        (Json::ecs(), "/trace.id", "/span.id", "/span.name"),
        (
            Json::gcp().gcp_project("p"),
            "/logging.googleapis.com~1trace",
            "/logging.googleapis.com~1spanId",
            "/span",
        ),
        (Json::otel(), "/TraceId", "/SpanId", "/Attributes/span"),
        (Json::bunyan(), "/trace_id", "/span_id", "/span"),
        (Json::pino(), "/trace_id", "/span_id", "/span"),
    ] {
        let (logger, memory) = memory_with(json.clone());
        let caller = format!("00-{TRACE}-00f067aa0ba902b7-01");
        let context = nexlog::Context::from_traceparent(&caller).unwrap();
        let inside = context.wrap(|| {
            nexlog::span!("pay", order = 7).in_scope(|| {
                info!(logger(&logger), "one");
                info!(logger(&logger), "two", trace_id = "own", service = "mine");
            });
        });
        inside();
        logger.flush(PATIENCE).unwrap();
        let records = lines::parse(&memory.lines());
        let text = |number: usize, place: &str| {
            let value = records[number].pointer(place);
            value.unwrap_or_else(|| panic!("{place} in {}", records[number])).to_string()
        };
        let written = if json == Json::gcp().gcp_project("p") {
            format!("\"projects/p/traces/{TRACE}\"")
        } else {
            format!("\"{TRACE}\"")
        };
        assert_eq!(text(0, trace), written);
        assert_eq!(text(0, span_id).len(), 18, "{records:?}");
        assert_eq!(text(0, name), "\"pay\"");
        // The record's own field wins, and is written where the reader looks for it.
        assert!(text(1, trace).contains("own"), "{records:?}");
        let all = memory.lines();
        assert_eq!(all[1].matches(TRACE).count(), 0, "{}", all[1]);
        let fields = if records[0].get("Attributes").is_some() { "/Attributes" } else { "" };
        assert_eq!(text(0, &format!("{fields}/order")), "7");
        assert_eq!(text(1, &format!("{fields}/service")), "\"mine\"");
        assert!(all.iter().all(|line| line.matches("\"pid\":4711").count() == 1), "{all:?}");
    }
}

/// A map with a key twice.
struct Twice;

impl nexlog::Value for Twice {
    fn record(&self, out: nexlog::ValueWriter<'_>) {
        out.map(|map| {
            map.entry("a", &1);
            map.entry("a", &2);
        });
    }
}

fn a_map_has_each_key_once_wherever_it_comes_from() {
    let memory = Memory::new();
    let sink = memory.clone().format(Json::otel());
    let logger = nexlog::builder().sink(sink).field("span_id", Twice).build().unwrap();
    let _scope = nexlog::context!(trace_id = Twice);
    info!(logger(&logger), "one", own = Twice);
    logger.flush(PATIENCE).unwrap();
    let line = memory.lines().concat();
    let once = "\"Attributes\":{\"own\":{\"a\":1}},\"TraceId\":{\"a\":1},\"SpanId\":{\"a\":1}}";
    assert!(line.ends_with(once), "{line}");
}

fn a_panic_in_a_placeholder_costs_its_record_only() {
    let format = Text::pattern("{odd} {msg}").placeholder("odd", |record, out| {
        assert!(record.field("bad").is_none(), "told to panic");
        out.write_str("ok")
    });
    let (logger, memory) = memory_with(format);
    info!(logger(&logger), "one");
    info!(logger(&logger), "two", bad = true);
    info!(logger(&logger), "three");
    logger.flush(PATIENCE).unwrap();
    let lines = memory.lines();
    assert!(lines.contains(&String::from("ok one")) && lines.contains(&String::from("ok three")));
    assert!(!lines.iter().any(|line| line.contains("two")), "{lines:?}");
    assert_eq!(logger.stats().dropped, 1);
}
