//! A library logs with the macros alone and installs nothing; an application decides. A part
//! of the application may have a logger of its own.
//!
//! ```text
//! cargo run --example 03_library
//! ```

use nexlog::{Console, Json, Logger, Memory, Output, enabled, info, trace};

/// As in a library: no set-up, silent until somebody installs a logger.
mod library {
    use super::{enabled, info, trace};

    pub fn connect(host: &str) -> usize {
        info!("connecting to {host}");
        if enabled!(nexlog::Level::Trace) {
            trace!("expensive details", dump = debug(vec![0u8; 4]));
        }
        host.len()
    }
}

/// A part with a logger of its own: `logger(&l)` asks that logger's filter.
fn audit(log: &Logger, user: &str) -> Result<(), nexlog::Error> {
    info!(logger(log), "login", user);
    nexlog::try_log!(nexlog::Level::Warn, logger(log), target("audit"), "password changed", user)
}

fn main() -> Result<(), nexlog::Error> {
    library::connect("early.example"); // waits for the logger below, and is written first
    let logger = nexlog::builder().filter("info").console(Console::stdout()).install()?;
    library::connect("db.example");

    logger.set_filter("info,03_library=trace")?;
    library::connect("cache.example");

    let memory = Memory::new();
    let audit_log = nexlog::builder()
        .sink(Output::from(&memory).format(Json::new()).filter("audit=info"))
        .build()?;
    audit(&audit_log, "ada")?;
    for line in memory.lines() {
        println!("{line}");
    }
    Ok(())
}
