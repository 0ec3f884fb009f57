//! What is counted: each function here is a measure, and runs once under callgrind.
//!
//! A measure is a batch of [`BATCH`] calls, scopes or records, so that what is paid once is far
//! below what the check looks for. Its setup has done all of it before: call sites have their
//! description, the thread its lane, the pool its memory, the encoder its fragments. What a measure
//! leaves is handed back to the harness: how it ends is not counted, and a teardown sees that as many
//! records were logged and written as the measure's name says.
//!
//! The logger is in `Buffered`, with a buffer and an interval that a batch does not reach: a call
//! is then what it is in `Background`, and there is no second thread to wait for. The loop itself
//! is counted, too: some three instructions a turn.

use std::hint::black_box;
use std::time::Duration;

use gungraun::{library_benchmark, library_benchmark_group, main};
use nexlog::{Batch, Json, Logger, MIB, Mode, Output, Sink, Text, WriteError, debug, info};

/// As in `src/main.rs`, which divides by it.
const BATCH: usize = 1000;
const PATIENCE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// Takes batches as a file does, and forgets them.
struct Nowhere;

impl Sink for Nowhere {
    fn write(&mut self, batch: &Batch<'_>) -> Result<(), WriteError> {
        black_box(batch.bytes());
        Ok(())
    }
}

/// What is logged, and with what.
struct Bench {
    logger: Logger,
    id: u64,
    port: u16,
    total: f64,
    name: String,
    paid: bool,
}

/// One thing to count.
type Turn = fn(&Bench);

impl Bench {
    fn new(output: Output) -> Bench {
        let logger = nexlog::builder()
            .filter("info")
            .sink(output)
            .mode(Mode::Buffered)
            .lane_bytes(4 * MIB)
            .flush_interval(HOUR)
            .install();
        Bench {
            logger: logger.expect("the first logger of this process"),
            id: 4711,
            port: 443,
            total: 19.99,
            name: "Sensor 12, basement".into(),
            paid: true,
        }
    }

    fn log_3(&self) {
        info!("order paid", id = self.id, name = self.name, paid = self.paid);
    }

    fn log_5(&self) {
        let Bench { id, port, total, name, paid, .. } = self;
        info!("order paid", id, port, total, name, paid);
    }

    fn log_disabled(&self) {
        debug!("order paid", id = self.id, name = self.name, paid = self.paid);
    }

    #[nexlog::instrument(fields(order = self.id, port = self.port))]
    #[inline(never)]
    fn span(&self) {
        black_box(self);
    }

    #[nexlog::instrument(fields(order = self.id, port = self.port))]
    #[inline(never)]
    fn span_with_record(&self) {
        self.log_3();
    }

    fn drain(&self) {
        self.logger.flush(PATIENCE).expect("a sink that takes everything");
    }
}

/// Twice, as the second time is the first that finds all memory in the pool.
fn warm(bench: Bench, turn: Turn) -> Bench {
    for _ in 0..2 {
        (0..BATCH).for_each(|_| turn(&bench));
        bench.drain();
    }
    bench
}

fn to_call(turn: Turn) -> Bench {
    warm(Bench::new(Output::to(Nowhere)), turn)
}

fn to_drain(output: Output, turn: Turn) -> Bench {
    let bench = warm(Bench::new(output), turn);
    (0..BATCH).for_each(|_| turn(&bench));
    bench
}

/// What is behind a measure, warm-up included: else something else was counted than its name says.
fn expect(bench: &Bench, accepted: u64, written: u64) {
    let stats = bench.logger.stats();
    let (accepted, written) = (accepted * BATCH as u64, written * BATCH as u64);
    assert_eq!((stats.accepted, stats.written, stats.dropped), (accepted, written, 0));
}

fn is_waiting(bench: Bench) {
    expect(&bench, 3, 2);
}

fn is_written(bench: Bench) {
    expect(&bench, 3, 3);
}

fn is_nothing(bench: Bench) {
    expect(&bench, 0, 0);
}

fn json() -> Output {
    Output::to(Nowhere).format(Json::new())
}

fn text() -> Output {
    Output::to(Nowhere).format(Text::compact())
}

/// The measured part of all but the drains: generic, so that each turn is inlined in its loop.
#[inline(always)]
fn batch(bench: Bench, turn: impl Fn(&Bench)) -> Bench {
    for _ in 0..BATCH {
        turn(black_box(&bench));
    }
    bench
}

#[library_benchmark(setup = to_call, teardown = is_waiting)]
#[bench::batch(Bench::log_3)]
fn call_3_fields(bench: Bench) -> Bench {
    batch(bench, Bench::log_3)
}

#[library_benchmark(setup = to_call, teardown = is_waiting)]
#[bench::batch(Bench::log_5)]
fn call_5_fields(bench: Bench) -> Bench {
    batch(bench, Bench::log_5)
}

#[library_benchmark(setup = to_call, teardown = is_nothing)]
#[bench::batch(Bench::log_disabled)]
fn call_disabled(bench: Bench) -> Bench {
    batch(bench, Bench::log_disabled)
}

#[library_benchmark(setup = to_call, teardown = is_nothing)]
#[bench::batch(Bench::span)]
fn span(bench: Bench) -> Bench {
    batch(bench, Bench::span)
}

#[library_benchmark(setup = to_call, teardown = is_waiting)]
#[bench::batch(Bench::span_with_record)]
fn span_with_record(bench: Bench) -> Bench {
    batch(bench, Bench::span_with_record)
}

#[library_benchmark(setup = to_drain, teardown = is_written)]
#[bench::batch(json(), Bench::log_3)]
fn drain_json_3_fields(bench: Bench) -> Bench {
    bench.drain();
    bench
}

#[library_benchmark(setup = to_drain, teardown = is_written)]
#[bench::batch(json(), Bench::log_5)]
fn drain_json_5_fields(bench: Bench) -> Bench {
    bench.drain();
    bench
}

#[library_benchmark(setup = to_drain, teardown = is_written)]
#[bench::batch(text(), Bench::log_3)]
fn drain_text_3_fields(bench: Bench) -> Bench {
    bench.drain();
    bench
}

#[library_benchmark(setup = to_drain, teardown = is_written)]
#[bench::batch(text(), Bench::log_5)]
fn drain_text_5_fields(bench: Bench) -> Bench {
    bench.drain();
    bench
}

library_benchmark_group!(
    name = measures,
    benchmarks = [
        call_3_fields,
        call_5_fields,
        call_disabled,
        span,
        span_with_record,
        drain_json_3_fields,
        drain_json_5_fields,
        drain_text_3_fields,
        drain_text_5_fields,
    ]
);

main!(library_benchmark_groups = measures);
