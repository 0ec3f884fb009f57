//! Typed fields: every spelling in one place.
//!
//! ```text
//! cargo run --example 01_fields
//! ```

use std::collections::BTreeMap;
use std::time::Duration;

use nexlog::{Console, Json, Level, critical, debug, error, info, log, warn};

struct Order {
    id: u64,
    items: Vec<&'static str>,
}

fn main() -> Result<(), nexlog::Error> {
    nexlog::builder()
        .filter("debug")
        .console(Console::stdout().format(Json::new()))
        .field("service", "shop")
        .install()?;

    let order = Order { id: 42, items: vec!["tea", "cup"] };
    let total = 12.5;
    info!("paid {total}", order.id, items = order.items);
    debug!("took {:.1} ms", 2.54, took = Duration::from_micros(3_142));

    let failure = "12x".parse::<u32>().unwrap_err();
    error!("bad quantity", error = err(&failure), input = "12x", token = secret("hunter2"));

    let headers = BTreeMap::from([("host", "example.org"), ("accept", "*/*")]);
    let key = "tenant";
    warn!(target: "http", "odd request", http.status = 400, (key) = "acme", ..headers);

    let level = if total > 10.0 { Level::Warn } else { Level::Info };
    log!(level, "large order"; "order_id" => order.id);
    critical!("last words", state = debug(Some(1)), origin = %"display", missing = None::<u8>);
    Ok(())
}
