//! What it costs. Logs through `tracing`, with spans around awaits.

use std::time::Duration;

/// Charges an order; the receipt's number.
#[tracing::instrument(fields(receipt = tracing::field::Empty))]
pub async fn charge(order: u64, cents: u64) -> u64 {
    tracing::debug!(attempt = 1_u32, gateway = "test", "charging");
    tokio::time::sleep(Duration::from_millis(1)).await;
    let receipt = order * 1_000 + cents;
    tracing::Span::current().record("receipt", receipt);
    tracing::info!(rate = 0.19_f64, paid = true, "charged {cents} cents");
    receipt
}
