//! A capture hears what comes over the bridges, too, and what the installed logger does not want.

use nexlog::{Memory, testing};

#[test]
fn a_capture_hears_the_facades_whatever_the_logger_wants() {
    let memory = Memory::new();
    let logger = nexlog::builder().filter("warn").sink(memory.clone()).install().unwrap();
    let calls = || {
        log::debug!(item = 7; "by log");
        tracing::debug!(item = 8_u64, "by tracing");
    };
    calls();
    {
        let records = testing::capture();
        calls();
        assert_eq!(records.find("by log").field::<u64>("item"), 7);
        assert_eq!(records.find("by tracing").field::<u64>("item"), 8);
        assert_eq!(records.len(), 2);
        // Another thread's are not heard.
        std::thread::spawn(calls).join().unwrap();
        assert_eq!(records.len(), 2);
    }
    calls();
    assert!(log::max_level() <= log::LevelFilter::Warn, "{}", log::max_level());
    log::warn!("wanted");
    logger.flush(std::time::Duration::from_secs(5)).unwrap();
    assert_eq!(memory.lines().len(), 1, "{:?}", memory.lines());
}
