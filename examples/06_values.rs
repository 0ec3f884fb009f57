//! Values of one's own types, and what is never to be read: `cargo run --example 06_values`.

use nexlog::{Console, Json, info};
use serde::Serialize;

/// Logged by its parts.
#[derive(nexlog::Value)]
#[nexlog(rename_all = "camelCase")]
struct Order<'a> {
    customer_id: u64,
    items: &'a [&'a str],
    coupon: Option<&'a str>,
    #[nexlog(secret)]
    card_number: &'a str,
    state: State,
}

#[derive(nexlog::Value)]
enum State {
    #[expect(dead_code, reason = "one of two")]
    Open,
    Paid {
        by: &'static str,
    },
}

/// Of another crate, say: it has no encoder, but is `Serialize` (feature `serde`).
#[derive(Serialize)]
struct Request<'a> {
    path: &'a str,
    password: &'a str,
}

fn main() -> Result<(), nexlog::Error> {
    nexlog::builder()
        .console(Console::stdout().format(Json::new()))
        .redact(["password", "*.token"]) // by key, wherever it is logged
        .max_value_bytes(4 << 10)
        .install()?;
    let order = Order {
        customer_id: 7,
        items: &["pen", "ink"],
        coupon: None, // left out
        card_number: "4111 1111 1111 1111",
        state: State::Paid { by: "ada" },
    };
    let (password, pin) = ("hunter2", 1234);
    info!("paid", order = &order);
    info!("paid", ..order, text = "x".repeat(5_000)); // …, "truncated": 5000
    info!("login of {password}", password, pin = secret(pin), user.token = "t-1");
    info!("asked", request = serde(&Request { path: "/", password }));
    Ok(())
}
