//! Several sinks at once, each with its own level and format, and one of our own.
//!
//! ```text
//! cargo run --example 02_sinks
//! ```

use std::time::Duration;

use nexlog::{
    Batch, Console, File, Json, Level, Mode, Output, Precision, Sink, WriteError, info, warn,
};

/// Counts what it is given: a sink sees whole batches, as bytes and as typed records.
#[derive(Default)]
struct Alarm {
    paid: u64,
}

impl Sink for Alarm {
    fn write(&mut self, batch: &Batch<'_>) -> Result<(), WriteError> {
        for record in batch.records() {
            if let Some(nexlog::ValueRef::U64(amount)) = record.field("amount") {
                self.paid += amount;
            }
        }
        // A sink may log: its records leave with the next pass.
        if self.paid > 100 {
            warn!("much was paid", total = self.paid);
            self.paid = 0;
        }
        Ok(())
    }
}

fn main() -> Result<(), nexlog::Error> {
    let path = std::env::temp_dir().join(format!("nexlog-sinks-{}.jsonl", std::process::id()));
    let logger = nexlog::builder()
        .console(Console::stderr().level(Level::Warn))
        .file(File::at(&path).format(Json::new().precision(Precision::Nanos).source()))
        .sink(Output::to(Alarm::default()).filter("02_sinks=info"))
        .mode(Mode::Background)
        .install()?;

    for amount in [10u64, 20, 80, 5] {
        info!("paid", amount);
    }
    logger.flush(Duration::from_secs(5))?;
    logger.flush(Duration::from_secs(5))?; // what the sink logged in the first pass

    let stats = logger.stats();
    assert_eq!(stats.accepted, stats.written + stats.dropped);
    for sink in &stats.sinks {
        info!("sink", name = sink.name, written = sink.written, bytes = sink.bytes);
    }
    print!("{}", std::fs::read_to_string(&path).unwrap_or_default());
    Ok(())
}
