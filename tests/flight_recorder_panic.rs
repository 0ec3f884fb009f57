//! A panic has the flight recorders of all loggers written: in a process of its own, as any panic of
//! another test would do so, too.

mod support;

use nexlog::{FlightRecorder, Json, Logger, Memory, Mode, debug};
use support::{MODES, PATIENCE, assert_balanced, wait_until};

fn logger(mode: Mode, recorder: FlightRecorder) -> (Logger, Memory) {
    let memory = Memory::new();
    let logger = nexlog::builder()
        .filter("info")
        .mode(mode)
        .sink(memory.clone().format(Json::new().thread()))
        .flight_recorder(recorder)
        .build()
        .unwrap();
    (logger, memory)
}

fn parse(line: &str) -> serde_json::Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

/// The numbers in the field `n`, in the order of the output.
fn numbers(memory: &Memory) -> Vec<u64> {
    memory.lines().iter().map(|line| parse(line)["n"].as_u64().unwrap()).collect()
}

fn rest(logger: &Logger) {
    logger.flush(PATIENCE).unwrap();
    assert_balanced(&logger.stats());
}

#[test]
fn a_panic_has_it_written() {
    for (name, mode) in MODES {
        let (one, memory) = logger(mode, FlightRecorder::records(10));
        let (other, not_there) = logger(mode, FlightRecorder::records(10).on_panic(false));
        let thread = std::thread::spawn({
            let (one, other) = (one.clone(), other.clone());
            move || {
                debug!(logger(&one), "kept", n = 1);
                debug!(logger(&other), "kept", n = 2);
                panic!("told to");
            }
        });
        assert!(thread.join().is_err());
        wait_until(name, || numbers(&memory) == [1]);
        other.flush(PATIENCE).unwrap();
        assert!(not_there.is_empty(), "{name}");
        rest(&one);
    }
}
