//! What `NEXLOG_STATIC` leaves out: `tests/expansion.rs` looks for these texts in the binary.
#![deny(warnings, clippy::pedantic)]

mod db {
    pub fn query(counter: &mut u64) {
        nexlog::debug!("needle_db_debug", evaluated = bump(counter));
        nexlog::info!("needle_db_info", evaluated = bump(counter));
    }

    fn bump(counter: &mut u64) -> u64 {
        *counter += 1;
        *counter
    }
}

fn main() {
    let mut counter = 0;
    db::query(&mut counter);
    nexlog::debug!("needle_root_debug", counter);
    nexlog::info!("needle_root_info", counter);
    nexlog::critical!("needle_root_critical", counter);
    let level = if counter > 100 { nexlog::Level::Warn } else { nexlog::Level::Info };
    nexlog::log!(level, "needle_root_dynamic", counter);
    std::process::exit(i32::try_from(counter).unwrap_or(-1));
}
