//! The exact bytes of the other layouts, and the promises that hold for every pattern.

use std::cell::RefCell;

use proptest::prelude::*;

use super::Text;
use crate::format::testing::{Choices, Sample, cases, choices, is_special};
use crate::format::theme::{AnsiColor, Style, Theme};
use crate::format::time::Precision;
use crate::format::{Encoder, Format};
use crate::record::ThreadInfo;
use crate::record::testing::Owned;
use crate::site::level::Level;
use crate::value::Seal;
use crate::{Buffer, Record, Value, ValueWriter};

/// A call with three fields, the first of them in the message.
const PAID: &str = "0:f8:order_idf3:whof4:nextML5:paid S0;L6: items.shop::pay\nsrc/pay.rs";

fn text(bytes: &Buffer) -> String {
    String::from_utf8(bytes.as_bytes().to_vec()).unwrap()
}

fn encode(format: &Text, record: &Record<'_>) -> String {
    let mut out = Buffer::new();
    format.encode(record, &mut out);
    text(&out)
}

fn coloured(format: &Text, record: &Record<'_>) -> String {
    let mut out = Buffer::new();
    format.encoder(true, Seal::HERE).unwrap().encoder.encode(record, &mut out);
    text(&out)
}

fn line(format: &Text, description: &str, values: &[&dyn Value]) -> String {
    encode(format, &Owned::new(Level::Info, description, values).record())
}

fn paid(format: &Text) -> String {
    line(format, PAID, &[&3_u64, &"a b", &None::<u8>])
}

fn by(pattern: &str) -> String {
    paid(&Text::pattern(pattern))
}

struct Failed;

impl Value for Failed {
    fn record(&self, out: ValueWriter<'_>) {
        #[derive(Debug, thiserror::Error)]
        #[error("cannot pay")]
        struct Outer(#[source] std::io::Error);
        out.error(&Outer(std::io::Error::other("line\nreset")));
    }
}

#[test]
fn full_says_it_all_on_one_line() {
    assert_eq!(
        paid(&Text::full()),
        "2026-11-22T13:50:00.123456Z INFO  [main#1] shop::pay src/pay.rs:7: paid 3 items \
         order_id=3 who=\"a b\"\n"
    );
}

#[test]
fn pretty_has_a_line_for_each_field_and_cause() {
    let description = "0:f1:af3:errML4:x\ny S0;.m\nsrc/m.rs";
    assert_eq!(
        line(&Text::pretty().thread(), description, &[&"p\nq", &Failed]),
        "2026-11-22T13:50:00.123456Z INFO  m: x\n    y p\n    q\n    a=\"p\\nq\"\n    \
         err=\"cannot pay\"\n      caused by: \"line\\nreset\"\n    at src/m.rs:7\n    on [main#1]\n"
    );
    assert_eq!(line(&Text::pretty().time(false), "0:.m\nf", &[]), "INFO  m:\n    at f:7\n");
}

#[test]
fn a_pattern_has_every_part_of_a_record() {
    assert_eq!(
        by("{ts:%H:%M:%S.3} {level:>5} {target} {msg} {fields}"),
        "13:50:00.123  INFO shop::pay paid 3 items order_id=3 who=\"a b\"\n"
    );
    assert_eq!(
        by("{ts}|{thread}|{thread_id}|{file}:{line}|{module}"),
        "2026-11-22T13:50:00.123456Z|main|1|src/pay.rs:7|shop::pay\n"
    );
    assert_eq!(by("{pid}"), format!("{}\n", std::process::id()));
    assert_eq!(by("{hostname}"), format!("{}\n", crate::sys::hostname().unwrap()));
    assert_eq!(by("{{{msg}}}"), "{paid 3 items}\n");
    assert_eq!(
        paid(&Text::pattern("{ts}").precision(Precision::Seconds)),
        "2026-11-22T13:50:00Z\n"
    );
}

#[test]
fn what_a_pattern_names_is_not_among_the_fields() {
    assert_eq!(by("[{who}] {msg} {fields}"), "[a b] paid 3 items order_id=3\n");
    let own_span = "0:f4:spanf1:a.m\nf";
    assert_eq!(line(&Text::pattern("{span}|{fields}"), own_span, &[&"s", &1]), "s|a=1\n");
    let of_process = "0:f3:pidf8:hostname.m\nf";
    assert_eq!(line(&Text::pattern("{pid}@{hostname} {fields}"), of_process, &[&7, &"h"]), "7@h\n");
}

#[test]
fn what_is_not_there_is_a_dash_or_nothing() {
    assert_eq!(by("{level} {user} {msg}"), "INFO - paid 3 items\n");
    assert_eq!(by("{level} {user?} {msg}"), "INFO paid 3 items\n");
    assert_eq!(by("{user?} {msg}"), "paid 3 items\n");
    assert_eq!(by("[{user?}] {span?}|{span}|{function}"), "[]|-|-\n");
    assert_eq!(by("{user?:>4}|{user:>4}|{next?}"), "    |   -|\n");
    assert_eq!(line(&Text::pattern("{level} {msg} {fields}"), "0:.m\nf", &[]), "INFO\n");
    assert_eq!(line(&Text::pattern("{fields} {msg}"), "0:ML1:x.m\nf", &[]), "x\n");
    assert_eq!(by("{msg}   "), "paid 3 items\n");
    assert_eq!(by(""), "\n");
}

#[test]
fn room_is_filled_and_cut_by_characters() {
    assert_eq!(by("{level:>6}|{level:6}|{level:*^7}|{level:.1}"), "  INFO|INFO  |*INFO**|I\n");
    assert_eq!(by("{target:.<12.4}|"), "shop........|\n");
    assert_eq!(line(&Text::pattern("{msg:>3.2}|"), "0:ML6:éàü.m\nf", &[]), " éà|\n");
}

#[test]
fn an_unnamed_thread_is_known_by_its_number() {
    let owned = Owned::new(Level::Info, "0:.m\nf", &[]);
    let record = Record { thread: ThreadInfo { id: 9, name: "" }, ..owned.record() };
    assert_eq!(encode(&Text::pattern("{thread}"), &record), "#9\n");
}

#[test]
fn placeholders_of_the_user_are_escaped() {
    let format = Text::pattern("{short:>5}|{nothing?}|{evil}")
        .placeholder("short", |record, out| out.write_str(&record.target()[..4]))
        .placeholder("nothing", |_, _| Ok(()))
        .placeholder("evil", |_, out| out.write_str("\x1b[31m\n"));
    assert_eq!(paid(&format), " shop||\\u{1b}[31m\\n\n");
}

#[test]
fn separators_stand_between_fields_and_in_them() {
    let odd = |format: Text| paid(&format.field_separator(", ").key_separator(": "));
    assert!(odd(Text::compact()).ends_with("pay: paid 3 items order_id: 3, who: \"a b\"\n"));
    assert_eq!(odd(Text::pattern("[{fields}]")), "[order_id: 3, who: \"a b\"]\n");
    let tabs = paid(&Text::compact().field_separator("\t"));
    assert!(tabs.ends_with("paid 3 items order_id=3\twho=\"a b\"\n"), "{tabs}");
    let none = line(&Text::compact().field_separator(", "), "0:ML1:x.m\nf", &[]);
    assert!(none.ends_with("m: x\n"), "{none}");
}

#[test]
fn a_theme_colours_each_part() {
    let style = |number| Style::new().fg(AnsiColor::Indexed(number));
    let theme = Theme::plain()
        .level(Level::Warn, style(1))
        .time(style(2))
        .target(style(3))
        .message(style(4))
        .key(style(5));
    let owned = Owned::new(Level::Warn, "0:f1:ah0:ML1:xS1;.m\nf", &[&1, &"y"]);
    let shown = |text: &str| text.replace("\x1b[38;5;", "<").replace("\x1b[0m", ">");
    let themed = |format: Text| shown(&coloured(&format.theme(theme.clone()), &owned.record()));
    assert_eq!(
        themed(Text::compact().precision(Precision::Seconds)),
        "<2m2026-11-22T13:50:00Z> <1mWARN>  <3mm>: <4mxy> <5ma>=1\n"
    );
    assert_eq!(
        themed(Text::pattern("{ts:%H} {level:>6.2} {target} {msg} {fields}")),
        "<2m13>     <1mWA> <3mm> <4mxy> <5ma>=1\n"
    );
    let plain = Text::compact().theme(Theme::plain());
    assert_eq!(coloured(&plain, &owned.record()), encode(&plain, &owned.record()));
    let default = coloured(&Text::compact(), &owned.record());
    assert!(default.contains("\x1b[33mWARN\x1b[0m"), "{default}");
}

#[test]
fn what_is_wrong_is_told_with_the_option() {
    let problem = |format: Text| format.problem(Seal::HERE).map_or(("", String::new()), |it| it);
    for (format, option, text) in [
        (Text::pattern("{msg} {level"), "pattern", "column 7: `{level`: it does not end"),
        (Text::pattern("{msg}").time(false), "time", "leave `{ts}` out"),
        (Text::pattern("{msg}").target(false), "target", "leave `{target}` out"),
        (Text::pattern("{msg}").source(), "source", "{file}:{line}"),
        (Text::pattern("{msg}").thread(), "thread", "{thread}"),
        (Text::pattern("{msg}").placeholder("msg", |_, _| Ok(())), "placeholder", "already"),
        (Text::pattern("{msg}").placeholder("a", |_, _| Ok(())), "placeholder", "not use it"),
        (Text::compact().placeholder("a", |_, _| Ok(())), "placeholder", "Text::pattern"),
        (Text::compact().field_separator(""), "field_separator", "empty"),
        (Text::compact().key_separator("\n"), "key_separator", "`\\n` has control"),
        (Text::pretty().field_separator(","), "field_separator", "pretty"),
    ] {
        let (named, problem) = problem(format);
        assert!(named == option && problem.contains(text), "{named}: {problem}");
    }
    for fine in [Text::compact(), Text::full(), Text::pretty(), Text::pattern("{a} {b?}\t")] {
        assert_eq!(problem(fine).0, "");
    }
}

#[test]
fn the_key_of_shared_encoders_tells_layouts_apart() {
    let key = |format: &Text| format.encoder(false, Seal::HERE).unwrap().key;
    let custom = || Text::pattern("{a}").placeholder("a", |_, _| Ok(()));
    let formats = [
        Text::compact(),
        Text::full(),
        Text::pretty(),
        Text::pattern("{a}"),
        Text::pattern("{b}"),
        custom(),
        custom(),
        Text::compact().local(),
        Text::compact().key_separator(":"),
        Text::compact().theme(Theme::plain()),
    ];
    for (number, format) in formats.iter().enumerate() {
        assert_eq!(key(format), key(&format.clone()));
        let others = formats[number + 1..].iter();
        others.for_each(|other| assert_ne!(key(format), key(other)));
    }
}

/// All but `pretty` are one line; of that one all lines but the first are indented.
#[test]
fn every_record_is_one_line_in_every_layout() {
    let custom =
        Text::pattern("{x} {fields}").placeholder("x", |record, out| match record.message() {
            Some(message) => write!(out, "{message}"),
            None => Ok(()),
        });
    let formats = [
        Text::full(),
        Text::pretty().thread(),
        Text::pattern("{ts:%F %T.6} {level:>9} [{thread}] {target} {a?} {msg} {fields}"),
        Text::pattern("{msg:<20.10}|{b:>9}|{fields:.40}|"),
        Text::compact().field_separator(" | ").key_separator(": "),
        custom,
    ];
    let encoder = |format: &Text| format.encoder(false, Seal::HERE).unwrap().encoder;
    let encoders: Vec<(Text, Box<dyn Encoder>)> =
        formats.into_iter().map(|format| (format.clone(), encoder(&format))).collect();
    let state = RefCell::new((0, encoders, Buffer::new()));
    let mut runner = proptest::test_runner::TestRunner::new(cases(12_000));
    let result = runner.run(&choices(), |bytes| {
        let (turn, encoders, out) = &mut *state.borrow_mut();
        *turn = (*turn + 1) % encoders.len();
        let (format, encoder) = &mut encoders[*turn];
        let sample = Sample::new(&mut Choices(&bytes));
        let mut failure = None;
        sample.with_record(|record| {
            out.clear();
            encoder.encode(&record, out);
            let length = out.len();
            encoder.encode(&record, out);
            let (line, again) = std::str::from_utf8(out.as_bytes()).unwrap().split_at(length);
            let is_ended = line.ends_with('\n') && !line.ends_with("\n\n");
            let lines: Vec<&str> = line.trim_end_matches('\n').split('\n').collect();
            let is_one = lines.len() == 1
                || format.kind == super::Kind::Pretty
                    && lines[1..].iter().all(|line| line.starts_with("    "));
            let is_clean = !lines.iter().any(|line| line.contains(is_special));
            if !is_ended || !is_one || !is_clean || line != again {
                failure = Some(format!("{line}again {again}"));
            } else if encode(format, &record) != line {
                failure = Some(format!("{line}alone {}", encode(format, &record)));
            }
        });
        prop_assert!(failure.is_none(), "{}\nof {sample:#?}", failure.unwrap_or_default());
        Ok(())
    });
    if let Err(problem) = result {
        panic!("{problem}");
    }
}
