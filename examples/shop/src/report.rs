//! Reads the log back: what came through which facade, and whether all of it is as it should be.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

/// A problem with the log is an error; else a table of targets.
pub fn check(text: &str, orders: u64, sold: u64) -> Result<String, String> {
    let records: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).map_err(|error| format!("{error}: {line}")))
        .collect::<Result<_, _>>()?;
    if let Some(other) = records.iter().find(|record| record["service"] != "shop") {
        return Err(format!("a record without the logger's field: {other}"));
    }
    for order in 0..orders {
        of_order(&records, order)?;
    }
    let closed = with_message(&records, "closed");
    expect(closed.len() == 1 && closed[0]["sold"] == sold, "one `closed`", &closed)?;

    // The libraries' own, as they made them.
    let queries = of_target(&records, "sqlx::query");
    let is_query = |record: &&Value| {
        record["rows_affected"].is_u64() && record["elapsed_secs"].is_f64() && record["summary"].is_string()
    };
    expect(queries.iter().all(is_query) && queries.len() as u64 > orders, "typed queries", &queries)?;
    let connects = of_target(&records, "reqwest::connect");
    expect(!connects.is_empty(), "reqwest's connections, through `log`", &connects)?;
    let responses = of_target(&records, "tower_http::trace::on_response");
    let is_response = |record: &&Value| record["status"].is_u64() && record["method"] == "POST";
    expect(
        responses.len() as u64 == orders && responses.iter().all(is_response),
        "an answer for each request, inside of its span",
        &responses,
    )?;

    let mut counts = BTreeMap::new();
    for record in &records {
        *counts.entry(record["target"].as_str().unwrap_or("")).or_insert(0) += 1;
    }
    let mut report = format!("{} records, {sold} of {orders} orders sold\n", records.len());
    for (target, count) in counts {
        let _ = writeln!(report, "{count:>6} {target}");
    }
    Ok(report)
}

/// One order's records: three facades, in the order they were made, each with what is around it.
fn of_order(records: &[Value], order: u64) -> Result<(), String> {
    let own: Vec<&Value> = records
        .iter()
        .filter(|record| record["order"] == order && !is_library(record))
        .collect();
    let item = order % 10;
    let messages: Vec<_> = own.iter().map(|record| record["msg"].as_str().unwrap_or("")).collect();
    let taken = format!("item {item} taken");
    let out = format!("item {item} is out");
    let expected: &[&str] = if messages == [out.as_str()] {
        &[&out]
    } else {
        &[&taken, "charging", "charged 250 cents", "sold"]
    };
    expect(messages == expected, "the records of an order", &own)?;
    for record in &own {
        let around = record["method"] == "POST" && record["uri"] == format!("/buy/{order}");
        expect(around, "the request's span around a record", record)?;
    }
    if let [taken, charging, charged, sold] = own.as_slice() {
        let receipt = order * 1_000 + 250;
        let is_right = taken["item"] == item
            && taken["left"].is_i64()
            && taken["target"] == "shop_stock"
            && charging["attempt"] == 1
            && charging["gateway"] == "test"
            && charging["cents"] == 250
            && charging["span"] == "charge"
            && charging["level"] == "DEBUG"
            && charging.get("receipt").is_none()
            && charged["rate"] == 0.19
            && charged["paid"] == true
            && charged["receipt"] == receipt
            && sold["receipt"] == receipt
            && sold["span"] == "buy";
        expect(is_right, "values and spans of an order", &own)?;
    }
    Ok(())
}

fn is_library(record: &Value) -> bool {
    !record["target"].as_str().unwrap_or("").starts_with("shop")
}

fn with_message<'a>(records: &'a [Value], message: &str) -> Vec<&'a Value> {
    records.iter().filter(|record| record["msg"] == message).collect()
}

fn of_target<'a>(records: &'a [Value], target: &str) -> Vec<&'a Value> {
    records.iter().filter(|record| record["target"] == target).collect()
}

fn expect(is_true: bool, what: &str, found: &dyn std::fmt::Debug) -> Result<(), String> {
    if is_true { Ok(()) } else { Err(format!("expected {what}, found {found:#?}")) }
}
