//! The exact bytes of typical lines.

use std::time::Duration;

use super::Json;
use crate::format::Format;
use crate::record::testing::Owned;
use crate::site::level::Level;
use crate::{Buffer, Value};

fn line(format: &Json, description: &str, values: &[&dyn Value]) -> String {
    let owned = Owned::new(Level::Info, description, values);
    let mut out = Buffer::new();
    format.encode(&owned.record(), &mut out);
    String::from_utf8(out.as_bytes().to_vec()).unwrap()
}

#[test]
fn a_typical_line() {
    let description = "0:f8:order_idf3:whof4:tookML5:paid S0;L6: items.shop::pay\nsrc/pay.rs";
    let took = Duration::from_millis(1500);
    assert_eq!(
        line(&Json::new(), description, &[&42_u64, &"a b", &took]),
        "{\"ts\":\"2026-11-22T13:50:00.123456Z\",\"level\":\"INFO\",\"target\":\"shop::pay\",\
         \"msg\":\"paid 42 items\",\"order_id\":42,\"who\":\"a b\",\"took\":1.5}\n"
    );
}
