//! A logger described in a file: `examples/nexlog.toml`, with a field that only the program knows.
//!
//! ```text
//! cargo run --example 05_config
//! ```
//!
//! The program prints the configuration that is in effect, defaults included, then logs a little,
//! and says which directive let a record pass. A mistake in the file, say `levle`, is an error
//! that names the line and the key.

use nexlog::{Config, Level, info, warn};

fn main() -> Result<(), nexlog::Error> {
    let config = Config::read("examples/nexlog.toml")?;
    println!("{config}");

    let logger = config.builder().field("version", env!("CARGO_PKG_VERSION")).install()?;
    warn!("low on stock", item = 7, left = 2); // on the console, too: it takes warnings
    info!("served", took = std::time::Duration::from_millis(12));
    println!("{}", nexlog::explain("shop::db::pool", Level::Debug));

    {
        // A closer look at one part for a while.
        let _closer = logger.push_filter("shop::db=trace")?;
        println!("{}", nexlog::explain("shop::db::pool", Level::Trace));
    }

    let mistake = Config::parse("[console]\nlevle = 'warn'", "nexlog.toml").unwrap_err();
    println!("{mistake}");
    Ok(())
}
