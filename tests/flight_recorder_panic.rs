//! A panic has the flight recorders of all loggers written: in a process of its own, as any panic of
//! another test would do so, too.

mod support;

use nexlog::{FlightRecorder, Memory, debug};
use support::{MODES, PATIENCE, assert_balanced, wait_until};

#[test]
fn a_panic_has_it_written() {
    for (name, mode) in MODES {
        let logger = |recorder: FlightRecorder| {
            let memory = Memory::new();
            let builder = nexlog::builder().sink(memory.clone()).mode(mode);
            (builder.flight_recorder(recorder).build().unwrap(), memory)
        };
        let (one, memory) = logger(FlightRecorder::records(10));
        let (other, not_there) = logger(FlightRecorder::records(10).on_panic(false));
        let thread = std::thread::spawn({
            let (one, other) = (one.clone(), other.clone());
            move || {
                debug!(logger(&one), "kept", n = 1);
                debug!(logger(&other), "kept", n = 2);
                panic!("told to");
            }
        });
        assert!(thread.join().is_err());
        wait_until(name, || memory.lines().concat().contains("\"n\":1"));
        assert_eq!(memory.lines().len(), 1, "{name}");
        for logger in [&one, &other] {
            logger.flush(PATIENCE).unwrap();
            assert_balanced(&logger.stats());
        }
        assert!(not_there.is_empty(), "{name}");
    }
}
