//! Records that spans make about themselves, for the loggers that ask. In a program of its own:
//! every span of the process tells them.

mod support;

use nexlog::{FutureExt, Level, Memory, Mode, SpanRecords, context, span};
use support::{PATIENCE, lines};

#[test]
fn spans_tell_when_they_are_over_to_those_who_ask() {
    let (asking, quiet, console) = (Memory::new(), Memory::new(), Memory::new());
    let logger = nexlog::builder()
        .sink(asking.clone())
        .sink(console.clone().level(Level::Warn))
        .spans(SpanRecords::OnClose)
        .build()
        .unwrap();
    let other = nexlog::builder().sink(quiet.clone()).build().unwrap();
    {
        let _scope = context!(a = 1);
        let span = span!("import", file = "x.csv");
        let clone = span.clone();
        drop(span.enter());
        drop(span);
        assert!(asking.is_empty(), "a handle is left");
        drop(clone);
    }
    let records = lines::parse(&asking.lines());
    assert_eq!(records.len(), 1, "{records:?}");
    assert_eq!(records[0]["msg"], "span closed");
    assert_eq!(records[0]["span"], "import");
    assert_eq!((&records[0]["file"], &records[0]["a"]), (&"x.csv".into(), &1.into()));
    assert!(records[0]["elapsed"].as_f64().unwrap() >= 0.0);
    assert!(records[0].get("busy").is_none());
    assert_eq!(records[0]["target"], "span_records");
    let stats = logger.stats();
    assert_eq!((stats.own, stats.accepted, stats.written), (1, 0, 0));
    assert!(console.is_empty() && quiet.is_empty());
    drop(other);

    asking.take();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let pause = std::time::Duration::from_millis(20);
    runtime.block_on(async { tokio::time::sleep(pause).await }.in_span(span!("nap")));
    let record = &lines::parse(&asking.lines())[0];
    let seconds = |key: &str| record[key].as_f64().unwrap();
    assert!(seconds("elapsed") >= 0.02 && seconds("idle") >= 0.015, "{record}");
    assert!(seconds("busy") < seconds("idle"), "{record}");

    asking.take();
    logger.set_filter("warn").unwrap();
    drop(span!("quiet"));
    drop(span!(level(Level::Error), "loud"));
    let records = lines::parse(&asking.lines());
    assert_eq!(records.len(), 1, "{records:?}");
    assert_eq!((&records[0]["span"], &records[0]["level"]), (&"loud".into(), &"ERROR".into()));
    // Another logger that asks for more.
    let more = Memory::new();
    let more_logger = nexlog::builder()
        .sink(more.clone())
        .spans(SpanRecords::OnEnterAndClose)
        .mode(Mode::Buffered)
        .build()
        .unwrap();
    drop(span!("both"));
    more_logger.flush(PATIENCE).unwrap();
    let records = lines::parse(&more.lines());
    assert_eq!(lines::messages(&records), ["span opened", "span closed"]);
}
